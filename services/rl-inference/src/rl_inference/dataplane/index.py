"""The index of the repository extension: every known version with its state, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from rl_inference.dataplane.live import Live
from rl_inference.models.refusals import Reason
from rl_inference.models.repository import Fingerprint

State = Literal["READY", "UNAVAILABLE", "LOADING"]
Version: TypeAlias = tuple[str, int]
"""A model's name, and the number."""


class Refusal(NamedTuple):
    """Why a version was refused, when its files had this fingerprint."""

    fingerprint: Fingerprint
    reason: Reason
    message: str

    @property
    def may_pass(self) -> bool:
        """Whether it may be another time with the same files: a disk comes back."""
        return self.reason == "unreadable"

    @property
    def sentence(self) -> str:
        return f"{self.reason}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """A version as the repository extension shows it."""

    name: str
    version: int | None
    """None: of the model as a whole, whose folder cannot be read."""
    state: State
    reason: str = ""
    """Also of a READY one: its files changed, and what they hold now is refused."""


def index_of(
    live: Mapping[str, Live],
    refused: Mapping[Version, Refusal],
    loading: Collection[Version],
    absent: Iterable[tuple[Version, str]],
    problems: Mapping[str, str],
) -> list[IndexEntry]:
    """All that is known, by name and version; `absent` says why each is not live on purpose."""
    ready = {(name, version) for name in live for version in live[name].versions}
    states: dict[Version, State] = dict.fromkeys(refused, "UNAVAILABLE")
    reasons = {key: refusal.sentence for key, refusal in refused.items()}
    for key, reason in absent:
        if key not in ready:
            states[key], reasons[key] = "UNAVAILABLE", reason
    states |= dict.fromkeys(loading, "LOADING")
    states |= dict.fromkeys(ready, "READY")
    entries = [
        IndexEntry(name=name, version=version, state=state, reason=reasons.get((name, version), ""))
        for (name, version), state in states.items()
    ]
    entries += [
        IndexEntry(name=name, version=None, state="UNAVAILABLE", reason=f"unreadable: {problem}")
        for name, problem in problems.items()
    ]
    return sorted(entries, key=lambda entry: (entry.name, entry.version or 0))
