"""A published benchmark instance as a Problem, with the instance's own node numbers kept.

One unit of an instance is a minute and a kilometre: times become seconds, distances stay. Both
are Euclidean and not rounded, as the published solutions demand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.plan import StopKind
from atmr_engine.problem import TimeWindow, Travel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atmr_engine.problem import Problem

SECONDS_PER_UNIT = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An instance, and which node of it each end of each request is.

    `visits` maps a node number to what happens there; a request's id is its pickup node's number.
    """

    name: str
    problem: Problem
    visits: dict[int, tuple[StopKind, str]]

    @property
    def nodes(self) -> dict[tuple[StopKind, str], int]:
        """The node number of each end of each request."""
        return {visit: node for node, visit in self.visits.items()}


def euclidean(points: Sequence[tuple[float, float]]) -> Travel:
    """Travel between points of a plane: distance in units, time at one unit a minute."""
    plane = np.array(points, dtype=np.float64).reshape(-1, 2)
    difference = plane[:, None, :] - plane[None, :, :]
    distance = np.sqrt((difference**2).sum(axis=2))
    return Travel(time_s=distance * SECONDS_PER_UNIT, distance_km=distance)


def window(opens: float, closes: float) -> TimeWindow:
    """A window of the instance in seconds."""
    return TimeWindow(open_s=opens * SECONDS_PER_UNIT, close_s=closes * SECONDS_PER_UNIT)
