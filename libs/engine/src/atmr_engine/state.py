"""The routes that a search is at, with what it takes to change one route and to take it back.

A route's version is a number that no other route and no earlier content ever had, so that what was
computed for it can be kept. Changes since `commit` are journalled per duty, and `rollback` undoes
them; nothing copies the whole solution. Read by what `atmr_engine.compiled` compiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from atmr_engine.arrays import NOTHING, Arrays, table
from atmr_engine.compiled import compiled, inlined
from atmr_engine.pricing import timetable_cost
from atmr_engine.profile import ASK, CANDIDATE, PROFILE
from atmr_engine.schedule import STOP, schedule

if TYPE_CHECKING:
    from numpy.typing import NDArray

OFFER = np.dtype(
    [
        ("duty_version", np.int64),
        ("request_version", np.int64),
        ("limit", np.float64),  # what was looked for: routes that cost less than this more
        ("added", np.float64),
        ("pickup_gap", np.int64),
        ("dropoff_gap", np.int64),
        ("breaks_version", np.int64),  # the route for which moving its breaks did not help,
        ("breaks_request_version", np.int64),  # and the request
    ]
)
VERSION, BANKED, JOURNALLED, SAVED_BANK, PROFILED, PICKED = 0, 1, 2, 3, 4, 5
"""The places of `State.counters`."""
COUNTERS = 6


class State(NamedTuple):
    """Routes, their times and costs, the bank of unserved requests, scratch room.

    `cap` is the longest route there can be: all requests' stops and one duty's breaks.
    """

    routes: NDArray[np.int64]  # (D, cap)
    length: NDArray[np.int64]  # (D,)
    cost: NDArray[np.float64]  # (D,)
    version: NDArray[np.int64]  # (D,)
    request_version: NDArray[np.int64]  # (R,)
    begin_s: NDArray[np.float64]  # (N,)
    route_of: NDArray[np.int64]  # (R,) duty, -1 where unserved
    bank: NDArray[np.int64]  # (R,) the unserved, as many as counters[BANKED]
    counters: NDArray[np.int64]
    offers: NDArray[Any]  # (R, D) OFFER
    touched: NDArray[np.uint8]  # (D,)
    journal: NDArray[np.int64]  # (D,)
    saved_routes: NDArray[np.int64]
    saved_length: NDArray[np.int64]
    saved_cost: NDArray[np.float64]
    saved_version: NDArray[np.int64]
    saved_begin_s: NDArray[np.float64]
    saved_bank: NDArray[np.int64]
    picked: NDArray[np.int64]  # (R,) requests chosen for removal, counters[PICKED] of them
    is_picked: NDArray[np.uint8]  # (R,)
    trial: NDArray[Any]  # (cap + 2,) STOP: the timetable that was computed last
    profile: NDArray[Any]  # (cap + 2,) PROFILE: the route that was profiled last
    load: NDArray[Any]  # (1,) PROFILE: who is on board while a sequence is walked
    chain: NDArray[np.float64]  # (2,) its kilometres, its driving and service time
    ask: NDArray[Any]  # (1,) ASK
    candidates: NDArray[Any]  # (cap + 1,) CANDIDATE: drop-offs behind one pickup
    sequence: NDArray[np.int64]  # (cap,)
    position: NDArray[np.int64]  # (N,)


def empty_state(arrays: Arrays) -> State:
    """No request served; every route holds its duty's breaks."""
    requests, duties, nodes = len(arrays.requests), len(arrays.duties), len(arrays.nodes)
    cap = 2 * requests + int(max(arrays.duties["breaks"], default=0))
    offers = np.zeros((requests, duties), dtype=OFFER).view(np.recarray)
    offers["duty_version"] = offers["breaks_version"] = -1
    counters = np.zeros(COUNTERS, dtype=np.int64)
    counters[VERSION], counters[BANKED], counters[PROFILED] = duties + requests, requests, -1
    state = State(
        routes=np.zeros((duties, cap), dtype=np.int64),
        length=arrays.duties["breaks"].astype(np.int64),
        cost=np.zeros(duties),
        version=np.arange(duties, dtype=np.int64),
        request_version=np.arange(duties, duties + requests, dtype=np.int64),
        begin_s=np.zeros(nodes),
        route_of=np.full(requests, -1, dtype=np.int64),
        bank=np.arange(requests, dtype=np.int64),
        counters=counters,
        offers=offers,
        touched=np.zeros(duties, dtype=np.uint8),
        journal=np.zeros(duties, dtype=np.int64),
        saved_routes=np.zeros((duties, cap), dtype=np.int64),
        saved_length=np.zeros(duties, dtype=np.int64),
        saved_cost=np.zeros(duties),
        saved_version=np.zeros(duties, dtype=np.int64),
        saved_begin_s=np.zeros(nodes),
        saved_bank=np.zeros(requests, dtype=np.int64),
        picked=np.zeros(requests, dtype=np.int64),
        is_picked=np.zeros(requests, dtype=np.uint8),
        trial=table(cap + 2, STOP),
        profile=table(cap + 2, PROFILE),
        load=table(1, PROFILE),
        chain=np.zeros(2),
        ask=table(1, ASK),
        candidates=table(cap + 1, CANDIDATE),
        sequence=np.zeros(cap, dtype=np.int64),
        position=np.zeros(nodes, dtype=np.int64),
    )
    for duty, row in enumerate(arrays.duties):
        state.routes[duty, : row["breaks"]] = row["first_break"] + np.arange(row["breaks"])
    return state


@compiled
def fresh_version(state: State) -> int:
    """A version that nothing ever had."""
    state.counters[VERSION] += 1
    return int(state.counters[VERSION])


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
    cost = 0.0
    driven = is_driven(arrays, sequence, count, duty)
    if driven:
        if not schedule(arrays, state, sequence, count, duty):
            return False
        cost = timetable_cost(arrays, state.trial, count, duty)
    save(state, duty)
    state.length[duty] = count
    state.cost[duty] = cost
    state.version[duty] = fresh_version(state)
    for k in range(count):
        state.routes[duty, k] = sequence[k]
        if driven:
            state.begin_s[sequence[k]] = state.trial[k + 1].time_s
    notify_route(arrays, state, duty)
    return True


@compiled
def notify_route(arrays: Arrays, state: State, duty: int) -> None:
    """Tell all legs linked to the route's requests that their windows may have moved."""
    for k in range(state.length[duty]):
        node = state.routes[duty, k]
        if node < 2 * arrays.requests.shape[0]:
            notify(arrays, state, node >> 1)


@compiled
def notify(arrays: Arrays, state: State, request: int) -> None:
    """Outdate what was computed for the legs linked to `request` and for their routes."""
    after = arrays.requests[request].after
    if after >= 0:
        outdate(state, after)
    follower = arrays.requests[request].first_follower
    while follower >= 0:
        outdate(state, follower)
        follower = arrays.requests[follower].next_follower


@inlined
def outdate(state: State, request: int) -> None:
    """Give a request, and the route that it is on, a new version."""
    state.request_version[request] = fresh_version(state)
    if state.route_of[request] >= 0:
        state.version[state.route_of[request]] = fresh_version(state)


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


@compiled
def pick(arrays: Arrays, state: State, request: int) -> bool:
    """Choose a request for removal if it is served and not part of a commitment."""
    if state.route_of[request] < 0 or arrays.requests[request].fixed or state.is_picked[request]:
        return False
    state.is_picked[request] = 1
    state.picked[state.counters[PICKED]] = request
    state.counters[PICKED] += 1
    return True


@compiled
def remove_picked(arrays: Arrays, state: State) -> None:
    """Put all picked requests into the bank, route by route.

    A route whose remaining stops would have no timetable (a matrix without triangle inequality can
    do that) stays as it is.
    """
    for index in range(state.counters[PICKED]):
        request = state.picked[index]
        duty = state.route_of[request]
        if state.is_picked[request] and duty >= 0 and not remove_from(arrays, state, duty):
            for k in range(state.length[duty]):
                clear_pick(arrays, state, state.routes[duty, k])
    for index in range(state.counters[PICKED]):
        state.is_picked[state.picked[index]] = 0
    state.counters[PICKED] = 0


@inlined
def clear_pick(arrays: Arrays, state: State, node: int) -> None:
    """Let a node's request stay where it is."""
    if node < 2 * arrays.requests.shape[0]:
        state.is_picked[node >> 1] = 0


@inlined
def remove_from(arrays: Arrays, state: State, duty: int) -> bool:
    """Bank the picked requests of one route; False, and nothing changed, if the rest cannot be."""
    count, visits = NOTHING, 2 * arrays.requests.shape[0]
    set_picked_route(arrays, state, duty, -1)
    for k in range(state.length[duty]):
        node = state.routes[duty, k]
        if node >= visits or state.route_of[node >> 1] >= 0:
            state.sequence[count] = node
            count += 1
    if not install(arrays, state, state.sequence, count, duty):
        set_route_of(arrays, state, duty, duty)
        return False
    for index in range(state.counters[PICKED]):
        request = state.picked[index]
        if state.is_picked[request] and state.route_of[request] < 0:
            state.is_picked[request] = 0
            notify(arrays, state, request)
            state.bank[state.counters[BANKED]] = request
            state.counters[BANKED] += 1
    return True


@inlined
def set_picked_route(arrays: Arrays, state: State, duty: int, value: int) -> None:
    """Set `route_of` of the picked requests of a route."""
    for k in range(state.length[duty]):
        node = state.routes[duty, k]
        if node < 2 * arrays.requests.shape[0] and state.is_picked[node >> 1]:
            state.route_of[node >> 1] = value


@compiled
def unbank(state: State, request: int) -> None:
    """Take a request out of the bank, keeping the order of the others."""
    count = 0
    for k in range(state.counters[BANKED]):
        if state.bank[k] != request:
            state.bank[count] = state.bank[k]
            count += 1
    state.counters[BANKED] = count


@compiled
def save(state: State, duty: int) -> None:
    """Journal a duty's route before its first change since `commit`."""
    if state.touched[duty]:
        return
    state.touched[duty] = 1
    state.journal[state.counters[JOURNALLED]] = duty
    state.counters[JOURNALLED] += 1
    copy_route(
        state.routes, state.begin_s, state.saved_routes, state.saved_begin_s, duty, state.length
    )
    state.saved_length[duty] = state.length[duty]
    state.saved_cost[duty] = state.cost[duty]
    state.saved_version[duty] = state.version[duty]


@compiled
def copy_route(
    routes: NDArray[np.int64],
    begin_s: NDArray[np.float64],
    to_routes: NDArray[np.int64],
    to_begin_s: NDArray[np.float64],
    duty: int,
    length: NDArray[np.int64],
) -> None:
    """Copy one route's nodes and their times."""
    for k in range(length[duty]):
        node = routes[duty, k]
        to_routes[duty, k] = node
        to_begin_s[node] = begin_s[node]


@compiled
def commit(state: State) -> None:
    """Keep all changes; what follows can be rolled back to here."""
    for k in range(state.counters[JOURNALLED]):
        state.touched[state.journal[k]] = 0
    state.counters[JOURNALLED] = 0
    state.counters[SAVED_BANK] = state.counters[BANKED]
    for k in range(state.counters[BANKED]):
        state.saved_bank[k] = state.bank[k]


@compiled
def rollback(arrays: Arrays, state: State) -> None:
    """Undo all changes since `commit`; routes with linked legs get new versions."""
    for index in range(state.counters[JOURNALLED]):
        notify_route(arrays, state, state.journal[index])
        set_route_of(arrays, state, state.journal[index], -1)
    for index in range(state.counters[JOURNALLED]):
        duty = state.journal[index]
        state.length[duty] = state.saved_length[duty]
        state.cost[duty] = state.saved_cost[duty]
        state.version[duty] = state.saved_version[duty]
        copy_route(
            state.saved_routes, state.saved_begin_s, state.routes, state.begin_s, duty, state.length
        )
        set_route_of(arrays, state, duty, duty)
    for index in range(state.counters[JOURNALLED]):
        notify_route(arrays, state, state.journal[index])
    state.counters[BANKED] = state.counters[SAVED_BANK]
    for k in range(state.counters[SAVED_BANK]):
        state.bank[k] = state.saved_bank[k]
    commit(state)


@compiled
def set_route_of(arrays: Arrays, state: State, duty: int, value: int) -> None:
    """Set `route_of` of all requests that stand in a duty's route."""
    for k in range(state.length[duty]):
        node = state.routes[duty, k]
        if node < 2 * arrays.requests.shape[0]:
            state.route_of[node >> 1] = value
