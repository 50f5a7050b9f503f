"""The cheapest feasible insertion of a request into a route, by tests in order of price.

A lower bound on the cost, places and sharing, earliest and latest times while the drop-off slides;
the reference timetable (schedule.py) judges only what is left. The screens refuse nothing that the
reference would accept, even where the travel matrix breaks the triangle inequality.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.arrays import NOBODY, REQUIRE, TOLERANCE, Arrays
from atmr_engine.compiled import compiled, inlined, inner
from atmr_engine.draft import draft_insertion, idle_cost, settle_plain
from atmr_engine.judgement import FITS, REFUSED, SOONER, Ways, judge
from atmr_engine.placement import place_pair
from atmr_engine.pricing import timetable_cost
from atmr_engine.profile import ask_for, may_join, profile_route
from atmr_engine.schedule import schedule
from atmr_engine.state import State

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
    return cheapest_gaps(arrays, state, request, duty, limit)


@inlined
def cheapest_gaps(
    arrays: Arrays, state: State, request: int, duty: int, limit: float
) -> tuple[float, int, int]:
    """The same for a compiled caller, without handing over state and arrays, which takes long."""
    if state.chains[duty].version != state.version[duty]:
        profile_route(arrays, state, duty)
    ask_for(arrays, state, request, duty, limit)
    ask, profile, chain = state.ask[0], state.profiles[duty], state.chains[duty]
    row, rider = arrays.duties[duty], arrays.requests[request]
    ways = ways_of(arrays, ask.pickup, ask.dropoff)
    pickup_gap, dropoff_gap = NOBODY, NOBODY
    for gap in range(row.committed, ask.length + 1):
        if profile[gap].earliest_s + profile[gap].spent_s > ask.pickup_high_s + TOLERANCE:
            break
        if profile[gap + 1].latest_s < ask.pickup_low_s - TOLERANCE:
            continue
        count = slide(ways, profile, ask, row, rider, gap, state.candidates)
        index = cheapest_bound(state.candidates, count, ask.limit)
        while index >= 0:
            where, cost = state.candidates[index].where, state.candidates[index].least
            state.candidates[index].least = np.inf
            if chain.plain:
                cost = plain_cost(arrays, state, ways, duty, gap, where, cost)
            else:
                cost = inserted_cost(arrays, state, request, duty, gap, where)
            if cost < ask.limit:
                ask.limit, pickup_gap, dropoff_gap = cost, gap, where
            index = cheapest_bound(state.candidates, count, ask.limit)
    added = np.inf
    if pickup_gap >= 0:
        added = ask.limit - state.cost[duty]
    return added, pickup_gap, dropoff_gap


@inner
def cheapest_bound(candidates: NDArray[Any], count: int, best: float) -> int:
    """The untried candidate with the lowest bound below `best`; -1 for none."""
    found = NOBODY
    for index in range(count):
        if candidates[index].least < best:
            best, found = candidates[index].least, index
    return int(found)


@inlined
def ways_of(arrays: Arrays, pickup: int, dropoff: int) -> Ways:
    """The rows of the matrices that an insertion of a request reads."""
    return Ways(
        arrays.time_into_s[pickup],
        arrays.time_s[pickup],
        arrays.time_into_s[dropoff],
        arrays.time_s[dropoff],
        arrays.price_into[pickup],
        arrays.price[pickup],
        arrays.price_into[dropoff],
        arrays.price[dropoff],
    )


@inner
def slide(
    ways: Ways,
    profile: NDArray[Any],
    ask: Any,
    duty: Any,
    rider: Any,
    gap: int,
    candidates: NDArray[Any],
) -> int:
    """Slide the drop-off behind a pickup in `gap`; write what passes all screens to `candidates`.

    Returns how many passed.
    """
    before, count = profile[gap], 0
    leave = before.earliest_s + before.spent_s + ways.to_pickup_s[before.place]
    leave, ridden = max(leave, ask.pickup_low_s), 0.0
    if leave > ask.pickup_high_s + TOLERANCE or not may_join(before, duty, rider):
        return 0
    leave += ask.pickup_spent_s
    to_dropoff, direct = ways.from_pickup_s[ask.dropoff], ways.price_from_pickup[ask.dropoff]
    base = ask.base_cost - before.price + ways.price_to_pickup[before.place]
    least = base + direct + ways.price_from_dropoff[before.onward]
    if least < ask.limit and in_time(ways, profile, ask, gap, leave, ridden, to_dropoff):
        candidates[0].least, candidates[0].where, count = least, gap, 1
    base += ways.price_from_pickup[before.onward]
    way = ways.from_pickup_s[profile[gap + 1].place]
    for where in range(gap + 1, ask.length + 1):
        stop = profile[where]
        if stop.pause or not may_join(stop, duty, rider):
            break
        leave, ridden = max(leave + way, stop.low_s), ridden + way
        if leave > stop.high_s + TOLERANCE or ridden > ask.ride_limit_s + TOLERANCE:
            break
        leave, ridden = leave + stop.spent_s, ridden + stop.spent_s
        least = base - stop.price + ways.price_to_dropoff[stop.place]
        least += ways.price_from_dropoff[stop.onward]
        if least < ask.limit:
            to_dropoff = ways.to_dropoff_s[stop.place]
            if in_time(ways, profile, ask, where, leave, ridden, to_dropoff):
                candidates[count].least, candidates[count].where = least, where
                count += 1
        way = profile[where + 1].travel_s
    return count


@inner
def in_time(
    ways: Ways,
    profile: NDArray[Any],
    ask: Any,
    where: int,
    leave_s: float,
    ridden_s: float,
    way_s: float,
) -> bool:
    """Whether a drop-off after stop `where` keeps its window, ride time, and the stops after it."""
    begin = max(leave_s + way_s, ask.dropoff_low_s)
    if ridden_s + way_s > ask.ride_limit_s + TOLERANCE or begin > ask.dropoff_high_s + TOLERANCE:
        return False
    leave, k = begin + ask.dropoff_spent_s, where + 1
    while profile[k].pause:
        leave = max(leave, profile[k].low_s)
        if leave > profile[k].high_s + TOLERANCE:
            return False
        leave, k = leave + profile[k].spent_s, k + 1
    arrival = leave + ways.from_dropoff_s[profile[k].place]
    return bool(arrival <= profile[k].latest_s + TOLERANCE)


@inlined
def plain_cost(
    arrays: Arrays, state: State, ways: Ways, duty: int, gap: int, where: int, least: float
) -> float:
    """The exact test of a plain route: its cost, which is at least `least`, inf if impossible."""
    ask, draft, profile, chain = state.ask[0], state.draft, state.profiles[duty], state.chains[duty]
    cost, last = least, ask.length + 3
    verdict = judge(ways, profile, chain, ask, gap, where, state.shifted)
    if verdict == REFUSED:
        cost = np.inf
    elif verdict != FITS or arrays.timed:
        draft_insertion(ways, profile, ask, gap, where, draft, verdict == SOONER)
        if not settle_plain(draft, last, chain.longest_s):
            cost = np.inf
        elif arrays.timed:
            cost += idle_cost(arrays, draft, last, arrays.duties[duty], chain.longest_s)
    return cost


@inlined
def inserted_cost(
    arrays: Arrays, state: State, request: int, duty: int, pickup_gap: int, dropoff_gap: int
) -> float:
    """The reference test: cost of the route with the request inserted, inf if impossible."""
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
