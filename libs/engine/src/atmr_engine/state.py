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
from atmr_engine.draft import DRAFT, draw_row, idle_cost
from atmr_engine.pricing import timetable_cost
from atmr_engine.profile import ASK, CANDIDATE, CHAIN, PROFILE, derive
from atmr_engine.schedule import STOP, schedule
from atmr_engine.splice import copy_row, splice_in, splice_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

OFFER = np.dtype(
    [
        ("duty_version", np.int64),
        ("request_version", np.int64),
        ("limit", np.float64),  # what was looked for: routes that cost less than this more
        ("added", np.float64),
        ("pickup_gap", np.int32),
        ("dropoff_gap", np.int32),
    ]
)
VERSION, BANKED, JOURNALLED, SAVED_BANK, PICKED = 0, 1, 2, 3, 4
"""The places of `State.counters`."""
COUNTERS = 5
SLOTS = 2
"""Offers kept of each request and duty: for the route as it was last committed, and as it is."""


class State(NamedTuple):
    """Routes, their times and costs, the bank of unserved requests, scratch room.

    `cap` is the longest route there can be: all requests' stops and one duty's breaks.
    """

    routes: NDArray[np.int64]  # (D, cap)
    length: NDArray[np.int64]  # (D,)
    cost: NDArray[np.float64]  # (D,)
    version: NDArray[np.int64]  # (D,)
    request_version: NDArray[np.int64]  # (R,)
    begin_s: NDArray[np.float64]  # (N,) of routes that are not stale
    stale: NDArray[np.uint8]  # (D,) 1 where `begin_s` was not kept up (see `retime`)
    route_of: NDArray[np.int64]  # (R,) duty, -1 where unserved
    bank: NDArray[np.int64]  # (R,) the unserved, as many as counters[BANKED]
    counters: NDArray[np.int64]
    offers: NDArray[Any]  # (R, D, SLOTS) OFFER
    stuck: NDArray[np.int64]  # (R, D, 2) versions of route and request whose breaks did not help
    touched: NDArray[np.uint8]  # (D,)
    journal: NDArray[np.int64]  # (D,)
    saved_routes: NDArray[np.int64]
    saved_length: NDArray[np.int64]
    saved_cost: NDArray[np.float64]
    saved_version: NDArray[np.int64]
    saved_begin_s: NDArray[np.float64]
    saved_stale: NDArray[np.uint8]
    saved_bank: NDArray[np.int64]
    picked: NDArray[np.int64]  # (R,) requests chosen for removal, counters[PICKED] of them
    is_picked: NDArray[np.uint8]  # (R,)
    trial: NDArray[Any]  # (cap + 2,) STOP: the timetable that was computed last
    profiles: NDArray[Any]  # (D, cap + 2) PROFILE
    chains: NDArray[Any]  # (D,) CHAIN
    load: NDArray[Any]  # (1,) PROFILE: who is on board while a sequence is walked
    saved_profiles: NDArray[Any]  # (D, cap + 2) PROFILE
    spare_profile: NDArray[Any]  # (cap + 2,) PROFILE
    saved_chains: NDArray[Any]  # (D,) CHAIN
    shifted: NDArray[np.float64]  # (cap + 2,) times of stops while an insertion is judged
    draft: NDArray[Any]  # (cap + 4,) DRAFT: a route with a request inserted
    ask: NDArray[Any]  # (1,) ASK
    candidates: NDArray[Any]  # (cap + 1,) CANDIDATE: drop-offs behind one pickup
    sequence: NDArray[np.int64]  # (cap,)
    position: NDArray[np.int64]  # (N,)


def empty_state(arrays: Arrays) -> State:
    """No request served; every route holds its duty's breaks."""
    requests, duties, nodes = len(arrays.requests), len(arrays.duties), len(arrays.nodes)
    cap = 2 * requests + int(max(arrays.duties["breaks"], default=0))
    counters = np.zeros(COUNTERS, dtype=np.int64)
    counters[VERSION], counters[BANKED] = duties + requests + 1, requests
    state = State(
        routes=np.zeros((duties, cap), dtype=np.int64),
        length=arrays.duties["breaks"].astype(np.int64),
        cost=np.zeros(duties),
        version=np.arange(1, duties + 1, dtype=np.int64),
        request_version=np.arange(duties + 1, duties + requests + 1, dtype=np.int64),
        begin_s=np.zeros(nodes),
        stale=np.zeros(duties, dtype=np.uint8),
        route_of=np.full(requests, -1, dtype=np.int64),
        bank=np.arange(requests, dtype=np.int64),
        counters=counters,
        offers=table((requests, duties, SLOTS), OFFER),
        stuck=np.zeros((requests, duties, 2), dtype=np.int64),
        touched=np.zeros(duties, dtype=np.uint8),
        journal=np.zeros(duties, dtype=np.int64),
        saved_routes=np.zeros((duties, cap), dtype=np.int64),
        saved_length=np.zeros(duties, dtype=np.int64),
        saved_cost=np.zeros(duties),
        saved_version=np.zeros(duties, dtype=np.int64),
        saved_begin_s=np.zeros(nodes),
        saved_stale=np.zeros(duties, dtype=np.uint8),
        saved_bank=np.zeros(requests, dtype=np.int64),
        picked=np.zeros(requests, dtype=np.int64),
        is_picked=np.zeros(requests, dtype=np.uint8),
        trial=table(cap + 2, STOP),
        profiles=table((duties, cap + 2), PROFILE),
        chains=table(duties, CHAIN),
        load=table(1, PROFILE),
        saved_profiles=table((duties, cap + 2), PROFILE),
        spare_profile=table(cap + 2, PROFILE),
        saved_chains=table(duties, CHAIN),
        shifted=np.zeros(cap + 2),
        draft=table(cap + 4, DRAFT),
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
    state.stale[duty] = 0
    for k in range(count):
        state.routes[duty, k] = sequence[k]
        if driven:
            state.begin_s[sequence[k]] = state.trial[k + 1].time_s
    notify_route(arrays, state, duty)
    return True


@compiled
def notify_route(arrays: Arrays, state: State, duty: int) -> None:
    """Tell all legs linked to the route's requests that their windows may have moved."""
    if not arrays.linked:
        return
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
def insert_offer(  # noqa: PLR0917 (compiled code has no keywords)
    arrays: Arrays,
    state: State,
    request: int,
    duty: int,
    pickup_gap: int,
    dropoff_gap: int,
    added: float,
) -> bool:
    """Serve a banked request where it was found to add `added`: without a test where that stands."""
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


@compiled
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


@compiled
def splice_from(arrays: Arrays, state: State, duty: int) -> bool:
    """Take the picked requests out of a plain route; False, and nothing changed, if it cannot be.

    Only without triangle inequality can a route need the stops that leave it.
    """
    save(state, duty)
    count, chain = state.length[duty], state.chains[duty]
    profile, route, spare = state.profiles[duty], state.routes[duty], state.spare_profile
    for k in range(count + 2):
        copy_row(spare[k], profile[k])
    state.sequence[:count] = route[:count]
    kept = splice_out(arrays, profile, route, count, state.is_picked, state.load[0], state.position)
    edited(arrays, state, duty, kept, 0.0)
    if chain.plain:
        if is_driven(arrays, route, kept, duty):
            state.cost[duty] = chain.least + idle_now(arrays, state, duty)
        return True
    for k in range(count + 2):
        copy_row(profile[k], spare[k])
    route[:count] = state.sequence[:count]
    chain.plain = 1
    edited(arrays, state, duty, count, 0.0)
    state.cost[duty] = chain.least + idle_now(arrays, state, duty)
    return False


@compiled
def idle_now(arrays: Arrays, state: State, duty: int) -> float:
    """What the timetable of a profiled route costs on top of its ways and services."""
    if not arrays.timed:
        return 0.0
    count, profile = state.length[duty], state.profiles[duty]
    for k in range(count + 2):
        draw_row(state.draft[k], profile[k], count + 2, count + 2)
    return idle_cost(state.draft, count + 1, arrays.weights[0])


@compiled
def retime(arrays: Arrays, state: State) -> int:
    """Make the timetables of all stale routes; the first duty that has none, -1 if all have."""
    for duty in range(len(state.length)):
        count = state.length[duty]
        if state.stale[duty] and is_driven(arrays, state.routes[duty], count, duty):
            if not schedule(arrays, state, state.routes[duty], count, duty):
                return int(duty)
            for k in range(count):
                state.begin_s[state.routes[duty, k]] = state.trial[k + 1].time_s
        state.stale[duty] = 0
    return -1


@compiled
def remove_from(arrays: Arrays, state: State, duty: int) -> bool:
    """Bank the picked requests of one route; False, and nothing changed, if the rest cannot be."""
    chain = state.chains[duty]
    set_picked_route(arrays, state, duty, -1)
    if chain.version == state.version[duty] and chain.plain:
        left = splice_from(arrays, state, duty)
    else:
        left = install_rest(arrays, state, duty)
    if not left:
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


@compiled
def install_rest(arrays: Arrays, state: State, duty: int) -> bool:
    """Make what is left of a route, less the requests whose `route_of` is cleared, the route."""
    count, visits = NOTHING, 2 * arrays.requests.shape[0]
    for k in range(state.length[duty]):
        node = state.routes[duty, k]
        if node >= visits or state.route_of[node >> 1] >= 0:
            state.sequence[count] = node
            count += 1
    return install(arrays, state, state.sequence, count, duty)


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
    state.saved_stale[duty] = state.stale[duty]
    copy_profile(state.chains, state.profiles, state.saved_chains, state.saved_profiles, duty)


@compiled
def copy_profile(
    chains: NDArray[Any],
    profiles: NDArray[Any],
    to_chains: NDArray[Any],
    to_profiles: NDArray[Any],
    duty: int,
) -> None:
    """Copy what is known of a duty's route."""
    chain, to = chains[duty], to_chains[duty]
    to.version, to.plain, to.least = chain.version, chain.plain, chain.least
    to.longest_s, to.stops = chain.longest_s, chain.stops
    for k in range(chain.stops):
        copy_row(to_profiles[duty, k], profiles[duty, k])


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
        state.stale[duty] = state.saved_stale[duty]
        copy_profile(state.saved_chains, state.saved_profiles, state.chains, state.profiles, duty)
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
