"""A route takes requests in: one by one, or as a whole sequence of stops.

Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atmr_engine.arrays import Arrays
from atmr_engine.compiled import compiled, inlined, inner
from atmr_engine.draft import draw_row, idle_cost
from atmr_engine.journal import save
from atmr_engine.pricing import timetable_cost
from atmr_engine.profile import derive
from atmr_engine.schedule import schedule
from atmr_engine.splice import splice_in
from atmr_engine.state import State, fresh_version, notify, notify_route, set_route_of, unbank
from atmr_engine.wish_prices import standing_cost

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@compiled
def is_driven(arrays: Arrays, sequence: NDArray[np.int64], count: int, duty: int) -> bool:
    """Whether there is anything to drive for but breaks."""
    driven = arrays.duties[duty].committed > 0
    for k in range(count):
        driven = driven or sequence[k] < 2 * arrays.requests.shape[0]
    return bool(driven)


@compiled
def install(
    arrays: Arrays, state: State, sequence: NDArray[np.int64], count: int, duty: int
) -> bool:
    """Make `sequence[:count]` the duty's route if it has a timetable; `route_of` is up to callers.

    `sequence` may be `state.sequence`, not a row of `state.routes`.
    """
    cost = standing_cost(arrays, duty)
    driven = is_driven(arrays, sequence, count, duty)
    if driven:
        if not schedule(arrays, state, sequence, count, duty):
            return False
        cost = timetable_cost(arrays, state.trial, count, duty)
    save(state, duty)
    state.length[duty] = count
    state.cost[duty] = cost
    state.version[duty] = fresh_version(state)
    state.stale[duty] = 0
    for k in range(count):
        state.routes[duty, k] = sequence[k]
        if driven:
            note_times(state.begin_s, sequence[k], state.trial[k + 1])
    notify_route(arrays, state, duty)
    return True


@inlined
def note_times(begin_s: NDArray[np.float64], node: int, stop: Any) -> None:
    """Keep when a stop begins, and for how long the vehicle rests behind it."""
    begin_s[node] = stop.time_s
    begin_s[len(begin_s) // 2 + node] = stop.rest_s


@compiled
def insert(
    arrays: Arrays, state: State, request: int, duty: int, pickup_gap: int, dropoff_gap: int
) -> bool:
    """Serve a banked request: pickup and drop-off in gaps (stops before them) of the old route."""
    count = place_pair(state, request, duty, pickup_gap, dropoff_gap)
    if not install(arrays, state, state.sequence, count, duty):
        return False
    state.route_of[request] = duty
    notify(arrays, state, request)
    unbank(state, request)
    return True


@inner
def insert_offer(
    arrays: Arrays,
    state: State,
    request: int,
    duty: int,
    pickup_gap: int,
    dropoff_gap: int,
    added: float,
) -> bool:
    """Serve a banked request where it was found to add `added`, without asking again if it can."""
    chain, row = state.chains[duty], arrays.requests[request]
    known = chain.version == state.version[duty] and chain.plain
    if not known or row.after >= 0 or row.first_follower >= 0:
        return insert(arrays, state, request, duty, pickup_gap, dropoff_gap)
    save(state, duty)
    count = state.length[duty]
    profile, route = state.profiles[duty], state.routes[duty]
    splice_in(arrays, profile, route, count, request, pickup_gap, dropoff_gap)
    edited(arrays, state, duty, count + 2, state.cost[duty] + added)
    state.route_of[request] = duty
    unbank(state, request)
    return True


@inner
def edited(arrays: Arrays, state: State, duty: int, count: int, cost: float) -> None:
    """Note that a route and its profile were edited alike."""
    chain = state.chains[duty]
    derive(arrays, state.profiles[duty], chain, duty, count)
    state.length[duty], state.cost[duty], state.stale[duty] = count, cost, 1
    state.version[duty] = chain.version = fresh_version(state)


@compiled
def adopt(arrays: Arrays, state: State, sequence: NDArray[np.int64], count: int, duty: int) -> bool:
    """Make a whole sequence, whose requests are banked or on it already, the duty's route."""
    if not install(arrays, state, sequence, count, duty):
        return False
    set_route_of(arrays, state, duty, duty)
    for k in range(count):
        if sequence[k] < 2 * arrays.requests.shape[0]:
            unbank(state, sequence[k] >> 1)
    notify_route(arrays, state, duty)
    return True


@compiled
def place_pair(state: State, request: int, duty: int, pickup_gap: int, dropoff_gap: int) -> int:
    """Write the route with a request inserted into `state.sequence`; returns its length."""
    count = 0
    length = state.length[duty]
    for k in range(length + 1):
        if k == pickup_gap:
            state.sequence[count] = 2 * request
            count += 1
        if k == dropoff_gap:
            state.sequence[count] = 2 * request + 1
            count += 1
        if k < length:
            state.sequence[count] = state.routes[duty, k]
            count += 1
    return count


@inner
def idle_now(arrays: Arrays, state: State, duty: int) -> float:
    """What the timetable of a profiled route costs on top of its ways and services."""
    if not arrays.timed:
        return 0.0
    count, profile = state.length[duty], state.profiles[duty]
    for k in range(count + 2):
        draw_row(state.draft[k], profile[k], count + 2, count + 2)
    longest_s = state.chains[duty].longest_s
    return idle_cost(arrays, state.draft, count + 1, arrays.duties[duty], longest_s)


@compiled
def retime(arrays: Arrays, state: State) -> int:
    """Make the timetables of all stale routes; the first duty that has none, -1 if all have."""
    for duty in range(len(state.length)):
        count = state.length[duty]
        if state.stale[duty] and is_driven(arrays, state.routes[duty], count, duty):
            if not schedule(arrays, state, state.routes[duty], count, duty):
                return int(duty)
            for k in range(count):
                note_times(state.begin_s, state.routes[duty, k], state.trial[k + 1])
        state.stale[duty] = 0
    return -1
