"""Which versions of which models answer now, kept in agreement with the repository.

A change is prepared beside what is live and swapped in by one assignment, so a request sees the old
or the new. A version that was swapped out is closed when the last request that holds it is done.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable

import structlog

from atmr_common.contracts.models import ModelPromoted, ModelPublished, ModelRolledBack
from rl_inference.dataplane.index import IndexEntry, Refusal, Version, index_of
from rl_inference.dataplane.live import CHAMPION, NOTHING, Live, Seen, look, settled
from rl_inference.errors import DataPlaneError, NotReadyError, UnknownModelError
from rl_inference.models.loaded import LoadedModel
from rl_inference.models.loading import LoadOptions, load
from rl_inference.models.refusals import RefusedModelError
from rl_inference.models.repository import Fingerprint, Repository, RepositoryError

log = structlog.get_logger(__name__)

Loading = Callable[[Repository, str, int, LoadOptions], LoadedModel]


class Registry:
    """The live models by name; changes are made one after the other, on the loop's thread."""

    def __init__(
        self, repository: Repository, options: LoadOptions, *, loading: Loading = load
    ) -> None:
        self._repository = repository
        self._options = options
        self._loading_of = loading
        self._live: dict[str, Live] = {}
        self._refused: dict[Version, Refusal] = {}
        self._fingerprints: dict[Version, Fingerprint] = {}
        self._loading: set[Version] = set()
        self._unloaded: dict[str, tuple[int, ...]] = {}
        self._changes = asyncio.Lock()

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
            raise self._missing(name, version, alias)
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
        return index_of(self._live, self._refused, self._loading, self._unloaded)

    def aliases(self, name: str) -> dict[str, int]:
        """The aliases of a model that point to live versions."""
        return dict(self._live.get(name, NOTHING).aliases)

    async def refresh(self) -> None:
        """Make what is live agree with the repository; models that were unloaded stay so.

        Raises:
            OSError, RepositoryError: when the repository cannot be read; all stays as it is.

        """
        async with self._changes:
            names = await asyncio.to_thread(self._repository.names)
            for name in sorted({*names, *self._live}):
                if name not in self._unloaded:
                    await self._refresh(name)

    async def load(self, name: str) -> None:
        """Make a model live, or what changed of it; versions that were refused are tried again.

        Raises:
            UnknownModelError: when the repository has no version of it.
            NotReadyError: when its highest version is refused, or cannot be read.

        """
        async with self._changes:
            for key in [key for key in self._refused if key[0] == name]:
                del self._refused[key]
            try:
                seen = await self._refresh(name)
            except RepositoryError as error:
                raise UnknownModelError(f"failed to load '{name}', {error}") from error
            except OSError as error:
                raise NotReadyError(f"failed to load '{name}', {error}") from error
            self._unloaded.pop(name, None)
        if not seen.versions:
            raise UnknownModelError(f"failed to load '{name}', the repository has no version of it")
        highest = max(seen.versions)
        refusal = self._refused.get((name, highest))
        if refusal is not None:
            raise NotReadyError(f"failed to load '{name}', version {highest}: {refusal.sentence}")

    async def unload(self, name: str) -> None:
        """Take all versions of a model out, until `load`.

        Raises:
            UnknownModelError: when no such model is known.

        """
        async with self._changes:
            if not self._knows(name):
                raise UnknownModelError(f"Request for unknown model: '{name}' is not found")
            live = self._live.pop(name, NOTHING)
            self._unloaded[name] = tuple(live.versions) or self._unloaded.get(name, ())
        log.info("model_unloaded", model=name)

    async def on_model_event(self, event: ModelPublished | ModelPromoted | ModelRolledBack) -> None:
        """Look into the repository now, and not at the next poll; the repository is the truth.

        Raises:
            OSError, RepositoryError: as `refresh`.

        """
        async with self._changes:
            if event.model not in self._unloaded:
                await self._refresh(event.model)
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
            except (OSError, RepositoryError) as error:
                log.warning("repository_unreadable", error=error)

    async def close(self) -> None:
        """Take everything out, and close the sessions; nothing may be in flight."""
        async with self._changes:
            gone, self._live = self._live, {}
            for live in gone.values():
                for model in live.versions.values():
                    model.session.close()

    async def _refresh(self, name: str) -> Seen:
        seen = await asyncio.to_thread(look, self._repository, name)
        before = self._live.get(name, NOTHING)
        loaded = await self._passed(name, before, seen)
        after = settled(before, loaded, seen)
        self._forget(name, after, seen)
        if after.versions:
            self._live[name] = after
        else:
            self._live.pop(name, None)
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
            refusal = self._refused.get(key)
            is_known = model is not None and self._fingerprints.get(key) == fingerprint
            if is_known:
                self._refused.pop(key, None)
            elif refusal is None or refusal.fingerprint != fingerprint:
                model = await self._tried(key, fingerprint) or model
            if model is not None:
                passed[version] = model
        return passed

    async def _tried(self, key: Version, fingerprint: Fingerprint) -> LoadedModel | None:
        """The version, loaded; None when it is refused, which is remembered until it changes."""
        self._loading.add(key)
        try:
            model = await asyncio.to_thread(self._loading_of, self._repository, *key, self._options)
        except RefusedModelError as error:
            self._refuse(key, Refusal(fingerprint, error.reason, str(error)))
            return None
        except Exception as error:  # one broken version must not stop the others
            log.exception("model_load_failed", model=key[0], version=key[1])
            self._refuse(key, Refusal(fingerprint, "failed", type(error).__name__))
            return None
        finally:
            self._loading.discard(key)
        weakref.finalize(model, model.session.close).atexit = False
        self._fingerprints[key] = fingerprint
        self._refused.pop(key, None)
        return model

    def _refuse(self, key: Version, refusal: Refusal) -> None:
        self._refused[key] = refusal
        log.warning(
            "model_refused",
            model=key[0],
            version=key[1],
            reason=refusal.reason,
            message=refusal.message,
        )

    def _forget(self, name: str, after: Live, seen: Seen) -> None:
        """Drop what was remembered of versions that are gone."""
        for notes in (self._refused, self._fingerprints):
            for key in [key for key in notes if key[0] == name]:
                if key[1] not in seen.versions and key[1] not in after.versions:
                    del notes[key]

    def _knows(self, name: str) -> bool:
        keys = (*self._refused, *self._loading)
        return name in self._live or name in self._unloaded or any(key[0] == name for key in keys)

    def _missing(self, name: str, version: int | None, alias: str | None) -> DataPlaneError:
        """Why there is no such model: never heard of, or not fit to answer."""
        if not self._knows(name):
            return UnknownModelError(f"Request for unknown model: '{name}' is not found")
        if name in self._unloaded:
            return NotReadyError(f"'{name}' is unloaded")
        if version is not None:
            return self._missing_version(name, version)
        if name not in self._live:
            return NotReadyError(f"'{name}' is not ready: {self._reasons(name)}")
        return self._missing_alias(name, alias or CHAMPION)

    def _missing_alias(self, name: str, alias: str) -> DataPlaneError:
        live = self._live[name]
        if alias in live.wanted:
            why = self._missing_version(name, live.wanted[alias])
            return NotReadyError(f"the {alias} of '{name}' is not ready: {why}")
        if live.problem is not None:
            return NotReadyError(f"'{name}' is not ready: {live.problem}")
        return UnknownModelError(f"Request for unknown model: '{name}' has no alias '{alias}'")

    def _missing_version(self, name: str, version: int) -> DataPlaneError:
        refusal = self._refused.get((name, version))
        if refusal is not None:
            return NotReadyError(f"'{name}' version {version} is refused: {refusal.sentence}")
        if (name, version) in self._loading:
            return NotReadyError(f"'{name}' version {version} is being loaded")
        return UnknownModelError(
            f"Request for unknown model: '{name}' version {version} is not found"
        )

    def _reasons(self, name: str) -> str:
        refused = (
            f"version {key[1]}: {refusal.sentence}"
            for key, refusal in sorted(self._refused.items(), key=lambda each: each[0])
            if key[0] == name
        )
        return "; ".join(refused) or "its versions are being loaded"
