"""Requests leave their routes for the bank of the unserved.

Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.arrays import NOBODY, NOTHING, Arrays
from atmr_engine.compiled import compiled, inlined, inner
from atmr_engine.journal import save
from atmr_engine.placement import edited, idle_now, install, is_driven
from atmr_engine.splice import copy_row, splice_out
from atmr_engine.state import BANKED, PICKED, State, fresh_version, notify, set_route_of
from atmr_engine.wish_prices import standing_cost

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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


@inner
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
    if not is_driven(arrays, state.routes[duty], state.length[duty], duty):
        forget_order(arrays, state, duty)
    for index in range(state.counters[PICKED]):
        request = state.picked[index]
        if state.is_picked[request] and state.route_of[request] < 0:
            state.is_picked[request] = 0
            notify(arrays, state, request)
            state.bank[state.counters[BANKED]] = request
            state.counters[BANKED] += 1
    return True


@inlined
def forget_order(arrays: Arrays, state: State, duty: int) -> None:
    """Put the breaks of a duty that serves nobody any more as they stood at first."""
    row = arrays.duties[duty]
    for k in range(row.breaks):
        state.routes[duty, k] = row.first_break + k
    state.chains[duty].version = NOBODY


@inner
def splice_from(arrays: Arrays, state: State, duty: int) -> bool:
    """Take the picked requests out of a plain route; False, and nothing changed, if it cannot be.

    Only without triangle inequality can a route need the stops that leave it.
    """
    save(state, duty)
    count, chain = state.length[duty], state.chains[duty]
    profile, route, spare = state.profiles[duty], state.routes[duty], state.spare_profile
    for k in range(count + 2):
        copy_row(spare[k], profile[k])
    copy_nodes(route, state.sequence, count)
    kept = splice_out(arrays, profile, route, count, state.is_picked, state.load[0], state.position)
    edited(arrays, state, duty, kept, standing_cost(arrays, duty))
    if chain.plain:
        if is_driven(arrays, route, kept, duty):
            state.cost[duty] = chain.least + idle_now(arrays, state, duty)
        return True
    for k in range(count + 2):
        copy_row(profile[k], spare[k])
    copy_nodes(state.sequence, route, count)
    chain.plain = 1
    edited(arrays, state, duty, count, 0.0)
    state.cost[duty] = chain.least + idle_now(arrays, state, duty)
    return False


@inner
def copy_nodes(nodes: NDArray[np.int64], to: NDArray[np.int64], count: int) -> None:
    """Copy the first nodes."""
    for k in range(count):
        to[k] = nodes[k]


@inner
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
def remove_all(arrays: Arrays, state: State) -> None:
    """Bank everybody, those of commitments too; routes keep their duties' breaks alone."""
    for duty in range(len(state.length)):
        save(state, duty)
    for request in range(len(state.route_of)):
        state.route_of[request] = -1
        state.bank[request] = request
        state.request_version[request] = fresh_version(state)
    state.counters[BANKED] = len(state.route_of)
    for duty in range(len(state.length)):
        row = arrays.duties[duty]
        state.length[duty] = 0
        for k in range(row.breaks):
            state.sequence[k] = row.first_break + k
        install(arrays, state, state.sequence, row.breaks, duty)
