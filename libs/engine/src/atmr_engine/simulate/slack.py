"""Planning times with slack: a plan without any wins static tables and loses days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.problem import Travel

if TYPE_CHECKING:
    from atmr_engine.problem import Problem
    from atmr_engine.simulate.noise import Noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """Planned driving time = free-flow time * `factor` + `buffer_s` for every leg that moves.

    Raises:
        ValueError: for a factor that is not positive, or a negative buffer.

    """

    factor: float = 1.0
    buffer_s: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 < self.factor < float("inf") or not 0.0 <= self.buffer_s < float("inf"):
            raise ValueError(f"a slack needs a positive factor and a buffer of 0 or more: {self}")

    @classmethod
    def at_quantile(cls, probability: float, noise: Noise, buffer_s: float = 0.0) -> Slack:
        """So much that a leg takes longer than planned with 1 - `probability`."""
        return cls(factor=noise.travel_quantile(probability), buffer_s=buffer_s)

    def applied(self, problem: Problem) -> Problem:
        """The same day, planned with these times; distances and rules stay."""
        free_s = problem.travel.time_s
        planned_s = np.where(free_s > 0.0, free_s * self.factor + self.buffer_s, free_s)
        travel = Travel(time_s=planned_s, distance_km=problem.travel.distance_km)
        return replace(problem, travel=travel)
