"""One search among several: its plans, where it stands in its budget, and the routes that it met.

Compiled code runs without the interpreter's lock, so that searches on threads run side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from atmr_engine.improve.best import restore
from atmr_engine.improve.route_log import read
from atmr_engine.improve.search import search

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable
    from threading import Event

    import numpy as np
    from numpy.typing import NDArray

    from atmr_engine.arrays import Arrays
    from atmr_engine.improve.best import Best
    from atmr_engine.improve.cooling import Course
    from atmr_engine.improve.route_log import Noted, RouteLog
    from atmr_engine.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What all searches of one problem share and none changes; `near` as of `neighbours`."""

    arrays: Arrays
    near: NDArray[np.int64]
    widest: float


@dataclass(slots=True, kw_only=True)
class Island:
    """One search: its plans, where it stands, and the latest routes that it met.

    `begun` is the share of the budget that was spent before.
    """

    ground: Ground
    state: State
    best: Best
    course: Course
    begun: float
    random: NDArray[np.uint64]
    log: RouteLog
    met: deque[Noted]

    def search_until(self, share: float, ended: Event, note: Callable[[], None]) -> None:
        """Search until so much of the budget is spent or all is ended; `note` after each chunk."""
        ground, course = self.ground, self.course
        while (spent := course.spent) < share and not ended.is_set():
            chunk, started = course.next_chunk(), course.seconds
            threshold = ground.widest * ((1 - spent) / (1 - self.begun)) ** 2
            search(
                ground.arrays,
                self.state,
                self.best,
                self.log,
                ground.near,
                threshold,
                chunk,
                self.random,
            )
            course.advance(chunk, course.seconds - started)
            self.met.extend(read(self.log))
            note()

    def go_to(self, best: Best) -> None:
        """Continue from the best plan of another island."""
        for field in best._fields:
            getattr(self.best, field)[:] = getattr(best, field)
        self.best.costs[1] = best.costs[0]
        restore(self.ground.arrays, self.state, self.best)
