"""What is to happen when: the clock of a simulated day."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(slots=True)
class Agenda:
    """Actions by time; those of one moment in the order in which they were entered."""

    now_s: float
    _entries: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def at(self, moment_s: float, action: Callable[[], None]) -> None:
        """Enter an action; a moment that has passed means now."""
        heapq.heappush(self._entries, (max(moment_s, self.now_s), next(self._numbers), action))

    def next_action(self) -> Callable[[], None] | None:
        """Let the clock go on to the next action and hand it out; None when there is no more."""
        if not self._entries:
            return None
        self.now_s, _, action = heapq.heappop(self._entries)
        return action
