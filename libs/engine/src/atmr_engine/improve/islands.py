"""Searches side by side, each on a thread of its own, which meet at fixed shares of the budget.

They meet in the order of their numbers, so that with iterations alone all depends on the seed and
on how many there are (the island model of Alba and Tomassini 2002).
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

from atmr_engine.improve.best import best_of
from atmr_engine.improve.island import Island
from atmr_engine.improve.recombination import Recombination
from atmr_engine.improve.route_log import route_log
from atmr_engine.state import empty_state

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from atmr_engine.improve.best import Best
    from atmr_engine.improve.cooling import Course
    from atmr_engine.improve.island import Ground
    from atmr_engine.problem import Problem
    from atmr_engine.state import State

MEETINGS = (0.3, 0.6, 0.9)
"""Spent shares of the budget at which routes are recombined and the best plan goes to all; a search
alone stops for the last one only."""


class Islands:
    """As many searches as `courses` and `randoms`, all from the plan in `state`."""

    def __init__(
        self,
        problem: Problem,
        ground: Ground,
        state: State,
        courses: Sequence[Course],
        randoms: Sequence[NDArray[np.uint64]],
    ) -> None:
        arrays = ground.arrays
        self.recombination = Recombination(problem, arrays)
        pool = self.recombination.pool
        self.islands = [
            Island(
                ground=ground,
                state=empty_state(arrays) if number else state,
                best=best_of(arrays, state),
                course=course,
                begun=course.spent,
                random=random,
                log=route_log(len(arrays.requests), pool.classes.of_duty),
                met=deque(maxlen=pool.most),
            )
            for number, (course, random) in enumerate(zip(courses, randoms, strict=True))
        ]
        for island in self.islands[1:]:
            island.go_to(self.leader.best)

    @property
    def leader(self) -> Island:
        """The island with the best plan, of several the first."""
        return min(self.islands, key=lambda island: float(island.best.costs[0]))

    def search(self, note: Callable[[], None]) -> Best:
        """Search until the budget is spent; the best plan of all.

        `note` is called after each chunk of the first search, on the caller's thread.
        """
        with ThreadPoolExecutor(max_workers=len(self.islands)) as threads:
            for share in MEETINGS if len(self.islands) > 1 else MEETINGS[-1:]:
                self.search_until(share, threads, note)
                if self.leader.course.spent < 1:
                    self.meet()
            self.search_until(1.0, threads, note)
        return self.leader.best

    def search_until(
        self, share: float, threads: ThreadPoolExecutor, note: Callable[[], None]
    ) -> None:
        """Let all islands search until `share` is spent; one that fails ends the others."""
        ended = Event()
        first, *others = self.islands
        running = [
            threads.submit(other.search_until, share, ended, lambda: None) for other in others
        ]
        try:
            first.search_until(share, ended, note)
            for other in running:
                other.result()
        finally:
            ended.set()
        if others:
            note()

    def meet(self) -> None:
        """Recombine all that was met, and let all continue from the best plan."""
        for island in self.islands:
            self.recombination.take_in(island.met)
            island.met.clear()
        leader = self.leader
        if self.recombination.is_rich:
            self.recombination.improve(leader.state, leader.best)
        for island in self.islands:
            if island is not leader:
                island.go_to(leader.best)
