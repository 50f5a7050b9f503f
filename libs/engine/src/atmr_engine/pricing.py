"""The objective in compiled form: what a timetable costs, and the least that a route can cost.

The terms are those of `objective.evaluate`, to 1e-6; a test holds the two together. They are read
by what `atmr_engine.compiled` compiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.arrays import Arrays, table
from atmr_engine.compiled import compiled
from atmr_engine.objective import SECONDS_PER_MINUTE, Weights
from atmr_engine.wish_prices import eager_cost, fair_cost

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atmr_engine.problem import Problem

PER_MINUTE = ("lateness", "overtime", "detour", "waiting", "working", "promise", "tightness")
PER_UNIT = ("distance_km", "duties_used", "emergency_duties", "driver_changes", "fairness_h2")
WEIGHTS = np.dtype([(name, np.float64) for name in (*PER_MINUTE, *PER_UNIT)])
"""The weights, per second for the times."""


def compile_weights(weights: Weights) -> NDArray[Any]:
    """The weights as one record (1,) WEIGHTS."""
    row = table(1, WEIGHTS)
    for name in PER_MINUTE:
        row[name] = getattr(weights, f"{name}_min") / SECONDS_PER_MINUTE
    for name in PER_UNIT:
        row[name] = getattr(weights, name)
    return row


def unserved_costs(problem: Problem) -> list[float]:
    """What leaving each request unserved costs."""
    weights = problem.weights
    return [weights.unserved + weights.unserved_priority * r.priority for r in problem.requests]


@compiled
def timetable_cost(arrays: Arrays, trial: NDArray[Any], count: int, duty: int) -> float:
    """Cost of the timetable in `trial` (`count` stops between its start and its end)."""
    weights = arrays.weights[0]
    cost = used_cost(weights, arrays.duties[duty])
    for k in range(1, count + 2):
        stop = trial[k]
        cost += weights.distance_km * stop.distance_km
        if k <= count:
            arrival = trial[k - 1].time_s + trial[k - 1].spent_s + stop.travel_s
            cost += weights.waiting * max(0.0, stop.time_s - arrival)
            cost += weights.lateness * max(0.0, stop.time_s - stop.due_s)
            if arrays.eager:
                cost += eager_cost(arrays, stop.node, stop.time_s)
            if stop.boarded >= 0:
                boarded = trial[stop.boarded]
                ride = stop.time_s - boarded.time_s - boarded.spent_s
                cost += weights.detour * max(0.0, ride - stop.direct_s)
    end = trial[count + 1].time_s
    cost += weights.overtime * max(0.0, end - arrays.duties[duty].close_s)
    worked_s = end - trial[0].time_s
    cost += fair_cost(weights, arrays.duties[duty], worked_s)
    return float(cost + weights.working * worked_s)


@compiled
def used_cost(weights: Any, duty: Any) -> float:
    """What it costs that a duty serves anybody at all."""
    return float(weights.duties_used + weights.emergency_duties * duty.emergency)
