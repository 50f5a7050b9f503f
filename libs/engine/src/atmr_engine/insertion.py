"""The cheapest feasible insertion of a request into a route, by tests in order of price.

A lower bound on the cost, places and sharing, earliest and latest times while the drop-off slides;
the reference timetable (schedule.py) judges only what is left. The screens refuse nothing that the
reference would accept, even where the travel matrix breaks the triangle inequality.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.arrays import NOBODY, REQUIRE, TOLERANCE, Arrays
from atmr_engine.compiled import compiled, inlined
from atmr_engine.pricing import timetable_cost
from atmr_engine.profile import ask_for, may_join, profile_route
from atmr_engine.schedule import schedule
from atmr_engine.state import PROFILED, State, place_pair

if TYPE_CHECKING:
    from numpy.typing import NDArray


@compiled
def cheapest_in_duty(
    arrays: Arrays, state: State, request: int, duty: int, limit: float
) -> tuple[float, int, int]:
    """Cheapest insertion into one route that adds less than `limit` to its cost.

    Returns the cost added, the gap of the pickup and of the drop-off (stops before them in the
    present route); (inf, -1, -1) where there is none. Pins, skills and drivers are looked at in
    `may_serve`.
    """
    if state.counters[PROFILED] != state.version[duty]:
        profile_route(arrays, state, duty)
        state.counters[PROFILED] = state.version[duty]
    ask_for(arrays, state, request, duty, limit)
    ask, row, rider = state.ask[0], arrays.duties[duty], arrays.requests[request]
    pickup_gap, dropoff_gap = NOBODY, NOBODY
    for gap in range(row.committed, ask.length + 1):
        count = slide(
            arrays.time_s,
            arrays.distance_km,
            arrays.weights[0],
            state.profile,
            ask,
            row,
            rider,
            gap,
            state.candidates,
        )
        if count < 0:
            break
        index = cheapest_bound(state.candidates, count, ask.limit)
        while index >= 0:
            where = state.candidates[index].where
            state.candidates[index].least = np.inf
            cost = inserted_cost(arrays, state, request, duty, gap, where)
            if cost < ask.limit:
                ask.limit, pickup_gap, dropoff_gap = cost, gap, where
            index = cheapest_bound(state.candidates, count, ask.limit)
    return (ask.limit - state.cost[duty] if pickup_gap >= 0 else np.inf), pickup_gap, dropoff_gap


@compiled
def cheapest_bound(candidates: NDArray[Any], count: int, best: float) -> int:
    """The untried candidate with the lowest bound below `best`; -1 for none."""
    found = NOBODY
    for index in range(count):
        if candidates[index].least < best:
            best, found = candidates[index].least, index
    return int(found)


@compiled
def slide(  # noqa: PLR0917 (compiled code has no keywords)
    times: NDArray[np.float64],
    distances: NDArray[np.float64],
    weights: Any,
    profile: NDArray[Any],
    ask: Any,
    duty: Any,
    rider: Any,
    gap: int,
    candidates: NDArray[Any],
) -> int:
    """Slide the drop-off behind a pickup in `gap`; write what passes all screens to `candidates`.

    Returns how many passed, or -1 where neither this gap nor a later one is reached in time.
    """
    before, place, count = profile[gap], ask.pickup, 0
    leave, ridden = before.earliest_s + before.spent_s, 0.0
    if leave > ask.pickup_high_s + TOLERANCE:
        return -1
    leave = max(leave + times[before.place, place], ask.pickup_low_s)
    if leave > ask.pickup_high_s + TOLERANCE or not may_join(before, duty, rider):
        return 0
    leave += ask.pickup_spent_s
    for where in range(gap, ask.length + 1):
        stop = profile[where]
        if where > gap:
            if stop.pause or not may_join(stop, duty, rider):
                break
            way = times[place, stop.place]
            leave, ridden, place = max(leave + way, stop.low_s), ridden + way, stop.place
            if leave > stop.high_s + TOLERANCE or ridden > ask.ride_limit_s + TOLERANCE:
                break
            leave, ridden = leave + stop.spent_s, ridden + stop.spent_s
        least = least_cost(times, distances, weights, ask, before, stop, gap == where)
        if least < ask.limit and in_time(times, profile, ask, where, place, leave, ridden):
            candidates[count].least = least
            candidates[count].where = where
            count += 1
    return count


@compiled
def least_cost(
    times: NDArray[np.float64],
    distances: NDArray[np.float64],
    weights: Any,
    ask: Any,
    before: Any,
    stop: Any,
    together: bool,  # noqa: FBT001 (compiled code has no keywords)
) -> float:
    """A lower bound on the route's cost: its way, and its driving and service time."""
    least = ask.base_cost + weights.distance_km * detour(distances, ask, before, stop, together)
    if weights.working > 0.0:
        least += weights.working * detour(times, ask, before, stop, together)
    return float(least)


@compiled
def in_time(
    times: NDArray[np.float64],
    profile: NDArray[Any],
    ask: Any,
    where: int,
    place: int,
    leave_s: float,
    ridden_s: float,
) -> bool:
    """Whether a drop-off after stop `where` keeps its window, ride time, and the stops after it."""
    way = times[place, ask.dropoff]
    begin = max(leave_s + way, ask.dropoff_low_s)
    if ridden_s + way > ask.ride_limit_s + TOLERANCE or begin > ask.dropoff_high_s + TOLERANCE:
        return False
    leave, k = begin + ask.dropoff_spent_s, where + 1
    while profile[k].pause:
        leave = max(leave, profile[k].low_s)
        if leave > profile[k].high_s + TOLERANCE:
            return False
        leave, k = leave + profile[k].spent_s, k + 1
    arrival = leave + times[ask.dropoff, profile[k].place]
    return bool(arrival <= profile[k].latest_s + TOLERANCE)


@compiled
def detour(
    matrix: NDArray[np.float64],
    ask: Any,
    before: Any,
    stop: Any,
    together: bool,  # noqa: FBT001 (compiled code has no keywords)
) -> float:
    """What the way grows by, in the matrix's unit, with the request inserted in two gaps."""
    to_pickup = matrix[before.place, ask.pickup] - matrix[before.place, before.onward]
    if together:
        between = matrix[ask.pickup, ask.dropoff]
        return float(to_pickup + between + matrix[ask.dropoff, before.onward])
    to_dropoff = matrix[stop.place, ask.dropoff] - matrix[stop.place, stop.onward]
    onward = matrix[ask.pickup, before.onward] + matrix[ask.dropoff, stop.onward]
    return float(to_pickup + to_dropoff + onward)


@inlined
def inserted_cost(
    arrays: Arrays, state: State, request: int, duty: int, pickup_gap: int, dropoff_gap: int
) -> float:
    """The exact test: cost of the route with the request inserted, inf without a timetable."""
    count = place_pair(state, request, duty, pickup_gap, dropoff_gap)
    cost = np.inf
    if schedule(arrays, state, state.sequence, count, duty):
        cost = timetable_cost(arrays, state.trial, count, duty)
    return cost


@compiled
def may_serve(arrays: Arrays, state: State, request: int, duty: int) -> bool:
    """Whether pins, skills, equipment, crew, and the required driver of linked legs allow it."""
    if not arrays.compatible[request, duty]:
        return False
    driver = arrays.duties[duty].driver
    row = arrays.requests[request]
    if row.after >= 0 and row.same_driver == REQUIRE:
        other = state.route_of[row.after]
        if other >= 0 and arrays.duties[other].driver != driver:
            return False
    follower = row.first_follower
    while follower >= 0:
        other = state.route_of[follower]
        required = arrays.requests[follower].same_driver == REQUIRE
        if required and other >= 0 and arrays.duties[other].driver != driver:
            return False
        follower = arrays.requests[follower].next_follower
    return True


@compiled
def first_fitting(arrays: Arrays, state: State, request: int) -> int:
    """The first duty that can take the request at any cost, -1 where none can."""
    for duty in range(len(arrays.duties)):
        if may_serve(arrays, state, request, duty):
            _, gap, _ = cheapest_in_duty(arrays, state, request, duty, np.inf)
            if gap >= 0:
                return duty
    return -1
