"""Which versions of which models answer now, kept in agreement with the repository.

A change is prepared beside what is live and swapped in by one assignment, so a request sees the old
or the new. A version that was swapped out is closed when the last request that holds it is done.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from typing import TypeVar

import structlog

from atmr_common.contracts.models import ModelPromoted, ModelPublished, ModelRolledBack
from rl_inference.dataplane.background import background_thread
from rl_inference.dataplane.index import IndexEntry, Refusal, Version
from rl_inference.dataplane.ledger import Ledger
from rl_inference.dataplane.live import NOTHING, Live, settled
from rl_inference.dataplane.seen import NOTHING_SEEN, Seen, look
from rl_inference.errors import DataPlaneError, NotReadyError, UnknownModelError
from rl_inference.models.loaded import LoadedModel
from rl_inference.models.loading import LoadOptions, load
from rl_inference.models.refusals import RefusedModelError
from rl_inference.models.repository import Fingerprint, Repository, RepositoryError

log = structlog.get_logger(__name__)

T = TypeVar("T")
Loading = Callable[[Repository, str, int, LoadOptions], LoadedModel]


class Registry:
    """The live models by name; changes are made one after the other, on the loop's thread."""

    def __init__(
        self, repository: Repository, options: LoadOptions, *, loading: Loading = load
    ) -> None:
        self._repository = repository
        self._options = options
        self._loading_of = loading
        self._ledger = Ledger()
        self._live = self._ledger.live  # the hot path saves a look
        self._changes = asyncio.Lock()
        self._thread = background_thread()

    def model(self, name: str, version: int | None = None, alias: str | None = None) -> LoadedModel:
        """The live version that is meant: the number, the alias, or else the default.

        Raises:
            UnknownModelError: when there is no such model, version or alias.
            NotReadyError: when there is, and it may not answer.

        """
        live = self._live.get(name, NOTHING)
        if version is not None:
            found = live.versions.get(version)
        else:
            found = live.default if alias is None else live.by_alias(alias)
        if found is None:
            raise self._ledger.missing(name, version, alias)
        return found

    def ready(self, name: str, version: int | None = None) -> bool:
        """Whether `model` would give one."""
        try:
            self.model(name, version)
        except DataPlaneError:
            return False
        return True

    def index(self) -> list[IndexEntry]:
        """Every version that is known, live or not, in order."""
        return self._ledger.index()

    def remembers(self, name: str, version: int) -> bool:
        """Whether what the version did is still of interest: it is live, or was before `unload`."""
        return self._ledger.remembers(name, version)

    def aliases(self, name: str) -> dict[str, int]:
        """The aliases of a model that point to live versions."""
        return dict(self._live.get(name, NOTHING).aliases)

    async def refresh(self) -> None:
        """Make what is live agree with the repository; models that were unloaded stay so.

        A model whose folder cannot be read stays as it is, and the others are looked at.

        Raises:
            OSError: when the repository itself cannot be read; all stays as it is.

        """
        ledger = self._ledger
        async with self._changes:
            names = await self._beside(self._repository.names)
            ledger.forget_unloaded(names)
            for name in sorted({*names, *ledger.live, *ledger.seen, *ledger.problems}):
                await self._refresh_if_readable(name)

    async def load(self, name: str) -> None:
        """Make a model live, or what changed of it; versions that were refused are tried again.

        Raises:
            UnknownModelError: when the repository has no version of it.
            NotReadyError: when its highest version is refused, or cannot be read.

        """
        refused = self._ledger.refused
        async with self._changes:
            for key in [key for key in refused if key[0] == name]:
                del refused[key]
            try:
                seen = await self._refresh(name)
            except RepositoryError as error:
                raise UnknownModelError(f"failed to load '{name}', {error}") from error
            except OSError as error:
                raise NotReadyError(f"failed to load '{name}', {error}") from error
            self._ledger.unloaded.pop(name, None)
        if not seen.versions:
            why = "its version_policy chooses none" if seen.outside else "the repository has none"
            raise UnknownModelError(f"failed to load '{name}', no version of it: {why}")
        highest = max(seen.versions)
        refusal = refused.get((name, highest))
        if refusal is not None:
            raise NotReadyError(f"failed to load '{name}', version {highest}: {refusal.sentence}")

    async def unload(self, name: str) -> None:
        """Take all versions of a model out, until `load`.

        Raises:
            UnknownModelError: when no such model is known.

        """
        async with self._changes:
            if not self._ledger.knows(name):
                raise UnknownModelError(f"Request for unknown model: '{name}' is not found")
            live, unloaded = self._live.pop(name, NOTHING), self._ledger.unloaded
            unloaded[name] = tuple(live.versions) or unloaded.get(name, ())
        log.info("model_unloaded", model=name)

    async def on_model_event(self, event: ModelPublished | ModelPromoted | ModelRolledBack) -> None:
        """Look into the repository now, and not at the next poll; the repository is the truth."""
        async with self._changes:
            await self._refresh_if_readable(event.model)
        if isinstance(event, ModelPublished):
            return
        live = self.aliases(event.model).get(event.alias)
        if live != event.version:
            log.warning(
                "alias_differs_from_event",
                model=event.model,
                alias=event.alias,
                version=event.version,
                live=live,
            )

    async def watch(self, interval_s: float) -> None:
        """Refresh at an interval, for ever; an unreadable repository changes nothing."""
        while True:
            await asyncio.sleep(interval_s)
            try:
                await self.refresh()
            except OSError as error:
                log.warning("repository_unreadable", error=error)

    async def close(self) -> None:
        """Take everything out; a session is closed with the last request that waits for it."""
        async with self._changes:
            self._live.clear()
        self._thread.shutdown(wait=False)

    async def _refresh_if_readable(self, name: str) -> None:
        """Look at a model that was not unloaded; where that fails, note why and leave it."""
        if name in self._ledger.unloaded:
            return
        try:
            await self._refresh(name)
        except (OSError, RepositoryError) as error:
            self._note_problem(name, str(error))
        except Exception as error:  # one model must not stop the others, whatever it is
            log.exception("model_look_failed", model=name)
            self._note_problem(name, type(error).__name__)

    def _note_problem(self, name: str, problem: str) -> None:
        if self._ledger.problems.get(name) != problem:
            log.warning("model_unreadable", model=name, reason=problem)
        self._ledger.problems[name] = problem

    async def _refresh(self, name: str) -> Seen:
        last = self._ledger.seen.get(name, NOTHING_SEEN)
        seen = await self._beside(look, self._repository, name, last)
        before = self._live.get(name, NOTHING)
        loaded = await self._passed(name, before, seen)
        after = settled(before, loaded, seen)
        self._ledger.settle(name, seen, after)
        if after.problem is not None and after.problem != before.problem:
            log.warning("aliases_unreadable", model=name, reason=after.problem)
        if (after.aliases, after.versions) != (before.aliases, before.versions):
            log.info(
                "models_changed", model=name, versions=[*after.versions], aliases=after.aliases
            )
        return seen

    async def _passed(self, name: str, before: Live, seen: Seen) -> dict[int, LoadedModel]:
        """The versions of the repository that may answer, loaded where they are new or changed."""
        passed: dict[int, LoadedModel] = {}
        for version, fingerprint in seen.versions.items():
            key = (name, version)
            model = before.versions.get(version)
            refusal = self._ledger.refused.get(key)
            if model is not None and self._ledger.fingerprints.get(key) == fingerprint:
                self._ledger.refused.pop(key, None)
            elif refusal is None or refusal.may_pass or refusal.fingerprint != fingerprint:
                model = await self._tried(key, fingerprint) or model
            if model is not None:
                passed[version] = model
        return passed

    async def _tried(self, key: Version, fingerprint: Fingerprint) -> LoadedModel | None:
        """The version, loaded; None when it is refused, which is remembered until it changes."""
        self._ledger.loading.add(key)
        try:
            model = await self._loaded(key)
        except RefusedModelError as error:
            self._refuse(key, Refusal(fingerprint, error.reason, str(error)))
            return None
        except Exception as error:  # one broken version must not stop the others
            log.exception("model_load_failed", model=key[0], version=key[1])
            self._refuse(key, Refusal(fingerprint, "failed", type(error).__name__))
            return None
        finally:
            self._ledger.loading.discard(key)
        weakref.finalize(model, model.session.close).atexit = False
        self._ledger.fingerprints[key] = fingerprint
        self._ledger.refused.pop(key, None)
        return model

    async def _loaded(self, key: Version) -> LoadedModel:
        """Load in a thread, which leaves the outcome aside.

        A thread's future is part of a cycle: with the model as its result it would keep it, and
        with an error the file's bytes, until the collector comes round, perhaps in hours.
        """
        outcomes: list[LoadedModel | Exception] = []

        def work() -> None:
            try:
                outcomes.append(self._loading_of(self._repository, *key, self._options))
            except Exception as error:  # noqa: BLE001 (raised again below)
                outcomes.append(error)

        await self._beside(work)
        outcome = outcomes.pop()
        if isinstance(outcome, LoadedModel):
            return outcome
        try:
            raise outcome
        finally:
            del outcome  # whose traceback has this frame

    async def _beside(self, work: Callable[..., T], *arguments: object) -> T:
        """Do what takes time, in the thread that stands back behind the loop's."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def _refuse(self, key: Version, refusal: Refusal) -> None:
        if self._ledger.refused.get(key) == refusal:
            return  # it was tried again, and nothing is new
        self._ledger.refused[key] = refusal
        log.warning(
            "model_refused",
            model=key[0],
            version=key[1],
            reason=refusal.reason,
            message=refusal.message,
        )
