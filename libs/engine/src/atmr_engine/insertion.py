"""The cheapest feasible insertion of a request into a route, by tests in order of price.

A lower bound on the cost, places and sharing, earliest and latest times while the drop-off slides;
the reference timetable (schedule.py) judges only what is left. The screens refuse nothing that the
reference would accept, even where the travel matrix breaks the triangle inequality.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.arrays import REQUIRE, TOLERANCE, Arrays
from atmr_engine.compiled import compiled
from atmr_engine.pricing import least_cost, timetable_cost
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
    ask_for(arrays, state, request, duty)
    ask, old = state.ask[0], state.cost[duty]
    best, pickup_gap, dropoff_gap = old + limit, -1, -1
    for gap in range(arrays.duties[duty].committed, state.length[duty] + 1):
        before = state.profile[gap]
        if before.earliest_s + before.spent_s > ask.pickup_high_s + TOLERANCE:
            break
        if may_join(arrays, before, duty, request):
            cost, where = slide(arrays, state, request, duty, gap, best)
            if where >= 0:
                best, pickup_gap, dropoff_gap = cost, gap, where
    return (best - old if pickup_gap >= 0 else np.inf), pickup_gap, dropoff_gap


@compiled
def slide(
    arrays: Arrays, state: State, request: int, duty: int, gap: int, best: float
) -> tuple[float, int]:
    """Slide the drop-off behind a pickup in `gap`; the cheapest route below `best`, or (best, -1)."""
    profile, ask = state.profile, state.ask[0]
    before, place, found = profile[gap], ask.pickup, -1
    begin = before.earliest_s + before.spent_s + arrays.time_s[before.place, place]
    begin = max(begin, ask.pickup_low_s)
    if begin > ask.pickup_high_s + TOLERANCE:
        return best, found
    leave, ridden = begin + ask.pickup_spent_s, 0.0
    for where in range(gap, state.length[duty] + 1):
        stop = profile[where]
        if where > gap:
            if stop.pause or not may_join(arrays, stop, duty, request):
                break
            way = arrays.time_s[place, stop.place]
            leave, ridden, place = max(leave + way, stop.low_s), ridden + way, stop.place
            if leave > stop.high_s + TOLERANCE or ridden > ask.ride_limit_s + TOLERANCE:
                break
            leave, ridden = leave + stop.spent_s, ridden + stop.spent_s
        if not in_time(arrays, state, where, place, leave, ridden):
            continue
        distance_km = state.chain[0] + detour(arrays.distance_km, state, gap, where)
        busy_s = state.chain[1] + detour(arrays.time_s, state, gap, where)
        busy_s += ask.pickup_spent_s + ask.dropoff_spent_s
        if least_cost(arrays, duty, distance_km, busy_s) < best:
            cost = inserted_cost(arrays, state, request, duty, gap, where)
            if cost < best:
                best, found = cost, where
    return best, found


@compiled
def in_time(
    arrays: Arrays, state: State, where: int, place: int, leave_s: float, ridden_s: float
) -> bool:
    """Whether a drop-off after stop `where` keeps its window, ride time, and the stops after it."""
    ask, profile = state.ask[0], state.profile
    way = arrays.time_s[place, ask.dropoff]
    begin = max(leave_s + way, ask.dropoff_low_s)
    if ridden_s + way > ask.ride_limit_s + TOLERANCE or begin > ask.dropoff_high_s + TOLERANCE:
        return False
    leave, k = begin + ask.dropoff_spent_s, where + 1
    while profile[k].pause:
        leave = max(leave, profile[k].low_s)
        if leave > profile[k].high_s + TOLERANCE:
            return False
        leave, k = leave + profile[k].spent_s, k + 1
    arrival = leave + arrays.time_s[ask.dropoff, profile[k].place]
    return bool(arrival <= profile[k].latest_s + TOLERANCE)


@compiled
def detour(matrix: NDArray[np.float64], state: State, gap: int, where: int) -> float:
    """What the way grows by, in the matrix's unit, with the request inserted in two gaps."""
    ask, before, stop = state.ask[0], state.profile[gap], state.profile[where]
    to_pickup = matrix[before.place, ask.pickup] - matrix[before.place, before.onward]
    if gap == where:
        between = matrix[ask.pickup, ask.dropoff]
        return to_pickup + between + matrix[ask.dropoff, before.onward]
    to_dropoff = matrix[stop.place, ask.dropoff] - matrix[stop.place, stop.onward]
    onward = matrix[ask.pickup, before.onward] + matrix[ask.dropoff, stop.onward]
    return to_pickup + to_dropoff + onward


@compiled
def inserted_cost(
    arrays: Arrays, state: State, request: int, duty: int, pickup_gap: int, dropoff_gap: int
) -> float:
    """The exact test: cost of the route with the request inserted, inf where it has no timetable."""
    count = place_pair(state, request, duty, pickup_gap, dropoff_gap)
    if not schedule(arrays, state, state.sequence, count, duty):
        return np.inf
    return timetable_cost(arrays, state.trial, count, duty)


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
        if arrays.requests[follower].same_driver == REQUIRE and other >= 0:
            if arrays.duties[other].driver != driver:
                return False
        follower = arrays.requests[follower].next_follower
    return True
