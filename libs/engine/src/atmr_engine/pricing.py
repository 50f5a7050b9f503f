"""The objective in compiled form: what a timetable costs, and the least that a route can cost.

The terms are those of `objective.evaluate`, to 1e-6; a test holds the two together. They are read
by what `atmr_engine.compiled` compiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.arrays import PREFER, Arrays, table
from atmr_engine.compiled import compiled
from atmr_engine.objective import SECONDS_PER_MINUTE, Weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atmr_engine.problem import Problem

PER_MINUTE = ("lateness", "overtime", "detour", "waiting", "working", "promise", "tightness")
PER_UNIT = ("distance_km", "duties_used", "emergency_duties", "driver_changes", "fairness_h2")
SECONDS_PER_HOUR = 3600.0
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
def eager_cost(arrays: Arrays, node: int, time_s: float) -> float:
    """What it costs that a stop begins near its window's end, or not when it was told to."""
    row, weights = arrays.nodes[node], arrays.weights[0]
    cost = weights.tightness * max(0.0, min(time_s, row.close_s) - row.ease_s)
    return float(
        cost + weights.promise * max(0.0, row.told_low_s - time_s, time_s - row.told_high_s)
    )


@compiled
def fair_cost(weights: Any, duty: Any, worked_s: float) -> float:
    """What it costs that a duty's week with `worked_s` today misses its fair share."""
    if not duty.fair:
        return 0.0
    beyond_h = (duty.beyond_share_s + worked_s) / SECONDS_PER_HOUR
    return float(weights.fairness_h2 * beyond_h * beyond_h)


@compiled
def standing_cost(arrays: Arrays, duty: int) -> float:
    """What a duty costs that serves nobody."""
    return fair_cost(arrays.weights[0], arrays.duties[duty], 0.0)


@compiled
def used_cost(weights: Any, duty: Any) -> float:
    """What it costs that a duty serves anybody at all."""
    return float(weights.duties_used + weights.emergency_duties * duty.emergency)


@compiled
def change_cost(arrays: Arrays, route_of: NDArray[np.int64], request: int, duty: int) -> float:
    """What `duty` costs `request` by itself, and the linked legs that prefer one driver."""
    changes = 0
    driver = arrays.duties[duty].driver
    row = arrays.requests[request]
    if row.after >= 0 and row.same_driver == PREFER:
        changes += differs(arrays, route_of, row.after, driver)
    follower = row.first_follower
    while follower >= 0:
        if arrays.requests[follower].same_driver == PREFER:
            changes += differs(arrays, route_of, follower, driver)
        follower = arrays.requests[follower].next_follower
    by_itself = arrays.serve_cost[request, duty]
    return float(by_itself + arrays.weights[0].driver_changes * changes)


@compiled
def differs(arrays: Arrays, route_of: NDArray[np.int64], request: int, driver: int) -> int:
    """1 if the request is served by another driver, else 0."""
    duty = route_of[request]
    return int(duty >= 0 and arrays.duties[duty].driver != driver)


@compiled
def total_cost(
    arrays: Arrays, route_of: NDArray[np.int64], route_costs: NDArray[np.float64]
) -> float:
    """The whole objective from the costs of all routes and who serves whom."""
    total = 0.0
    for duty in range(len(route_costs)):
        total += route_costs[duty]
    changes = 0
    for request in range(len(route_of)):
        row = arrays.requests[request]
        duty = route_of[request]
        if duty < 0:
            total += row.unserved_cost
            continue
        total += arrays.serve_cost[request, duty]
        if row.after >= 0 and row.same_driver == PREFER:
            changes += differs(arrays, route_of, row.after, arrays.duties[duty].driver)
    return float(total + arrays.weights[0].driver_changes * changes)
