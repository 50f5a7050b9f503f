"""How far the search may go back, and for how long: from wide to zero over the budget."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from atmr_engine.budget import Budget

CHUNK = 64
"""Iterations between two looks at the threshold when only iterations limit the search."""
SHORTEST_S, LONGEST_S = 0.01, 0.04
"""How long a chunk should take when seconds limit the search."""


@dataclass(slots=True)
class Course:
    """Where a search stands within its budget."""

    budget: Budget
    clock: Callable[[], float]
    started_s: float
    iterations: int = 0
    chunk: int = CHUNK

    def split(self, count: int) -> list[Course]:
        """A course for each of `count` searches: all of the time, and a part of the iterations."""
        if self.budget.iterations is None:
            return [replace(self) for _ in range(count)]
        each, more = divmod(self.budget.iterations, count)
        limits = [each + int(number < more) for number in range(count)]
        return [replace(self, budget=replace(self.budget, iterations=n)) for n in limits]

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return self.clock() - self.started_s

    @property
    def spent(self) -> float:
        """The spent share of the budget, of the limit that is nearer; 1 ends the search."""
        shares = [0.0]
        if self.budget.seconds is not None:
            shares.append(self.seconds / self.budget.seconds if self.budget.seconds > 0 else 1.0)
        if self.budget.iterations is not None:
            limit = self.budget.iterations
            shares.append(self.iterations / limit if limit > 0 else 1.0)
        return min(1.0, max(shares))

    def next_chunk(self) -> int:
        """How many iterations to do before looking again."""
        if self.budget.iterations is None:
            return self.chunk
        return min(self.chunk, self.budget.iterations - self.iterations)

    def advance(self, iterations: int, took_s: float) -> None:
        """Count iterations; with a limit in seconds, the next chunk is made to take its share."""
        self.iterations += iterations
        if self.budget.seconds is None:
            return
        if took_s < SHORTEST_S:
            self.chunk *= 2
        elif took_s > LONGEST_S:
            self.chunk = max(1, self.chunk // 2)
