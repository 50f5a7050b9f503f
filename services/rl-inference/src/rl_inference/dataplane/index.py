"""The index of the repository extension: every known version with its state, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
    def sentence(self) -> str:
        return f"{self.reason}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """A version as the repository extension shows it."""

    name: str
    version: int
    state: State
    reason: str = ""
    """Also of a READY one: its files changed, and what they hold now is refused."""


def index_of(
    live: Mapping[str, Live],
    refused: Mapping[Version, Refusal],
    loading: Collection[Version],
    unloaded: Mapping[str, tuple[int, ...]],
) -> list[IndexEntry]:
    """All that is known, by name and version."""
    states: dict[Version, State] = dict.fromkeys(refused, "UNAVAILABLE")
    reasons = {key: refusal.sentence for key, refusal in refused.items()}
    states |= dict.fromkeys(loading, "LOADING")
    states |= {(name, version): "READY" for name in live for version in live[name].versions}
    for name, versions in unloaded.items():
        for version in versions:
            states[name, version] = "UNAVAILABLE"
            reasons[name, version] = "unloaded"
    return [
        IndexEntry(name=name, version=version, state=state, reason=reasons.get((name, version), ""))
        for (name, version), state in sorted(states.items())
    ]
