"""What is known of models and versions beside those that are live, and why one does not answer."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from rl_inference.dataplane.index import IndexEntry, Refusal, Version, index_of
from rl_inference.dataplane.live import CHAMPION, NOTHING, Live
from rl_inference.dataplane.seen import NOTHING_SEEN, Seen
from rl_inference.errors import DataPlaneError, NotReadyError, UnknownModelError
from rl_inference.models.repository import Fingerprint

OUTSIDE = "version_policy: not among the versions that are made live, and no alias points to it"

Note = TypeVar("Note", Live, Seen)


@dataclass(slots=True)
class Ledger:
    """Notes of the registry; it writes them, on the loop's thread."""

    live: dict[str, Live] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    """What lay in the repository at the last look."""
    refused: dict[Version, Refusal] = field(default_factory=dict)
    fingerprints: dict[Version, Fingerprint] = field(default_factory=dict)
    """Of the files that the live versions were loaded from."""
    loading: set[Version] = field(default_factory=set)
    unloaded: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """By hand, and what was live then."""
    problems: dict[str, str] = field(default_factory=dict)
    """Why the folder of a model cannot be read."""

    def index(self) -> list[IndexEntry]:
        """Every version that is known, live or not, in order."""
        return index_of(self.live, self.refused, self.loading, self._absent(), self.problems)

    def knows(self, name: str) -> bool:
        """Whether there is, or was, such a model."""
        named = (self.live, self.unloaded, self.problems)
        return any(name in each for each in named) or any(
            key[0] == name for key in (*self.refused, *self.loading)
        )

    def remembers(self, name: str, version: int) -> bool:
        """Whether the version is live, or was when the model was unloaded."""
        live = self.live.get(name)
        return version in (self.unloaded.get(name, ()) if live is None else live.versions)

    def settle(self, name: str, seen: Seen, after: Live) -> None:
        """Put `after` in place of what was live, and drop what is known of versions now gone."""
        before, last = self.live.get(name), self.seen.get(name)
        known = {*(before.versions if before else ()), *(last.versions if last else ())}
        for version in known - {*seen.versions, *after.versions}:
            self.refused.pop((name, version), None)
            self.fingerprints.pop((name, version), None)
        _keep(self.seen, name, seen if seen.versions or seen.outside else None)
        _keep(self.live, name, after if after.versions else None)
        self.problems.pop(name, None)

    def forget_unloaded(self, present: Collection[str]) -> None:
        """Drop what is known of models that were unloaded, and lie in the repository no more."""
        for name in self.unloaded.keys() - set(present):
            del self.unloaded[name]
            self.settle(name, NOTHING_SEEN, NOTHING)

    def missing(self, name: str, version: int | None, alias: str | None) -> DataPlaneError:
        """Why there is no such model: never heard of, or not fit to answer."""
        if not self.knows(name):
            return UnknownModelError(f"Request for unknown model: '{name}' is not found")
        if name in self.unloaded:
            return NotReadyError(f"'{name}' is unloaded")
        if version is not None:
            return self._missing_version(name, version)
        if name not in self.live:
            return NotReadyError(f"'{name}' is not ready: {self._reasons(name)}")
        return self._missing_alias(name, alias or CHAMPION)

    def _missing_alias(self, name: str, alias: str) -> DataPlaneError:
        live = self.live[name]
        if alias in live.wanted:
            why = self._missing_version(name, live.wanted[alias])
            return NotReadyError(f"the {alias} of '{name}' is not ready: {why}")
        if live.problem is not None:
            return NotReadyError(f"'{name}' is not ready: {live.problem}")
        return UnknownModelError(f"Request for unknown model: '{name}' has no alias '{alias}'")

    def _missing_version(self, name: str, version: int) -> DataPlaneError:
        refusal = self.refused.get((name, version))
        if refusal is not None:
            return NotReadyError(f"'{name}' version {version} is refused: {refusal.sentence}")
        if (name, version) in self.loading:
            return NotReadyError(f"'{name}' version {version} is being loaded")
        seen = self.seen.get(name)
        if seen is not None and version in seen.outside:
            return NotReadyError(f"'{name}' version {version} is not loaded: {OUTSIDE}")
        return UnknownModelError(
            f"Request for unknown model: '{name}' version {version} is not found"
        )

    def _reasons(self, name: str) -> str:
        refused = (
            f"version {key[1]}: {refusal.sentence}"
            for key, refusal in sorted(self.refused.items(), key=lambda each: each[0])
            if key[0] == name
        )
        problem = self.problems.get(name, "its versions are being loaded")
        return "; ".join(refused) or problem

    def _absent(self) -> Iterator[tuple[Version, str]]:
        """The versions that are not live on purpose, and why."""
        for name, seen in self.seen.items():
            for version in seen.outside:
                yield (name, version), OUTSIDE
        for name, versions in self.unloaded.items():
            for version in versions:
                yield (name, version), "unloaded"


def _keep(notes: dict[str, Note], name: str, note: Note | None) -> None:
    if note is None:
        notes.pop(name, None)
    else:
        notes[name] = note
