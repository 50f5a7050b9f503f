"""Which runs hold a worker's slots: from the claim until the solver is not needed any more."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from uuid import UUID

LONG_S = 2.0
"""A run that holds its slot for longer is not expected to give it to those who wait."""


class Slots:
    """So many runs are solved at once; as many again may be on their way into the database."""

    def __init__(self, size: int, now_s: Callable[[], float] = monotonic) -> None:
        self.size = size
        self._now_s = now_s
        self._held_since: dict[UUID, float] = {}
        self._solved: set[UUID] = set()

    @property
    def free(self) -> bool:
        return len(self._held_since) < self.size and len(self._solved) < self.size

    @property
    def in_turn(self) -> int:
        """Slots that runs pass through soon; those who wait share them (at least one)."""
        long_ago = self._now_s() - LONG_S
        return max(1, self.size - sum(since < long_ago for since in self._held_since.values()))

    def take(self, run_id: UUID) -> None:
        self._held_since[run_id] = self._now_s()

    def solved(self, run_id: UUID) -> None:
        """The run's slot is another's; the run itself is still at work."""
        if self._held_since.pop(run_id, None) is not None:
            self._solved.add(run_id)

    def leave(self, run_id: UUID) -> None:
        """The run is not at work any more."""
        self._held_since.pop(run_id, None)
        self._solved.discard(run_id)
