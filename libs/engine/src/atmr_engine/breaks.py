"""Breaks find a new place in a route, alone or to let a request in that fits no other way.

Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.arrays import NOBODY, Arrays
from atmr_engine.compiled import allocating, compiled, inlined, inner_allocating
from atmr_engine.insertion import cheapest_in_duty
from atmr_engine.placement import install, place_pair
from atmr_engine.pricing import timetable_cost
from atmr_engine.profile import loads_fit
from atmr_engine.schedule import schedule
from atmr_engine.state import State, notify, unbank

if TYPE_CHECKING:
    from numpy.typing import NDArray


@compiled
def movable_breaks(arrays: Arrays, state: State, duty: int) -> int:
    """How many breaks stand behind the duty's committed beginning."""
    movable = 0
    for k in range(arrays.duties[duty].committed, state.length[duty]):
        if arrays.nodes[state.routes[duty, k]].place < 0:
            movable += 1
    return movable


@inner_allocating
def without_breaks(
    arrays: Arrays, sequence: NDArray[np.int64], count: int, duty: int
) -> NDArray[np.int64]:
    """The sequence less its movable breaks."""
    kept = np.empty(count, dtype=np.int64)
    length = 0
    for k in range(count):
        if k < arrays.duties[duty].committed or arrays.nodes[sequence[k]].place >= 0:
            kept[length] = sequence[k]
            length += 1
    return kept[:length]


@inner_allocating
def missing_breaks(
    arrays: Arrays, sequence: NDArray[np.int64], count: int, duty: int
) -> NDArray[np.int64]:
    """The duty's breaks that the sequence does not hold, as nodes."""
    row = arrays.duties[duty]
    held = np.zeros(row.breaks, dtype=np.uint8)
    for k in range(count):
        if arrays.nodes[sequence[k]].place < 0:
            held[sequence[k] - row.first_break] = 1
    missing = np.empty(row.breaks, dtype=np.int64)
    length = 0
    for index in range(row.breaks):
        if not held[index]:
            missing[length] = row.first_break + index
            length += 1
    return missing[:length]


@allocating
def place_breaks(arrays: Arrays, state: State, count: int, duty: int) -> int:
    """Put the missing breaks into `state.sequence[:count]`, each in its cheapest feasible gap.

    Returns the new length, or -1 where a break fits nowhere.
    """
    for node in missing_breaks(arrays, state.sequence, count, duty):
        gap = cheapest_gap(arrays, state, count, duty, node)
        if gap < 0:
            return -1
        shift_in(state.sequence, count, gap, node)
        count += 1
    return count


@compiled
def cheapest_gap(arrays: Arrays, state: State, count: int, duty: int, node: int) -> int:
    """The gap of `state.sequence[:count]` where a node costs least; -1 where it fits nowhere."""
    best, found = np.inf, NOBODY
    first = arrays.duties[duty].committed
    shift_in(state.sequence, count, first, node)
    for gap in range(first, count + 1):
        if loads_fit(arrays, state, state.sequence, count + 1, duty) and schedule(
            arrays, state, state.sequence, count + 1, duty
        ):
            cost = timetable_cost(arrays, state.trial, count + 1, duty)
            if cost < best:
                best, found = cost, gap
        if gap < count:
            state.sequence[gap] = state.sequence[gap + 1]
            state.sequence[gap + 1] = node
    return int(found)


@compiled
def shift_in(sequence: NDArray[np.int64], count: int, gap: int, node: int) -> None:
    """Insert a node before position `gap`."""
    for k in range(count, gap, -1):
        sequence[k] = sequence[k - 1]
    sequence[gap] = node


@inner_allocating
def move_breaks(arrays: Arrays, state: State, duty: int) -> bool:
    """Give all movable breaks of a route their cheapest places; False (unchanged) if none fits."""
    if movable_breaks(arrays, state, duty) == 0:
        return False
    kept = without_breaks(arrays, state.routes[duty], state.length[duty], duty)
    state.sequence[: len(kept)] = kept
    count = place_breaks(arrays, state, len(kept), duty)
    return count >= 0 and install(arrays, state, state.sequence, count, duty)


@allocating
def insert_moving_breaks(arrays: Arrays, state: State, request: int, duty: int) -> bool:
    """Serve a banked request on a route by taking its breaks elsewhere; False leaves all as it was.

    What failed once is not tried again before route or request change.
    """
    stuck = state.stuck[request, duty]
    if stuck[0] == state.version[duty] and stuck[1] == state.request_version[request]:
        return False
    stuck[0], stuck[1] = state.version[duty], state.request_version[request]
    if movable_breaks(arrays, state, duty) == 0:
        return False
    count = place_in_stripped(arrays, state, request, duty)
    if count < 0:
        return False
    count = place_breaks(arrays, state, count, duty)
    if count < 0 or not install(arrays, state, state.sequence, count, duty):
        return False
    stuck[0] = NOBODY  # a rollback may bring this version back, and what helped helps again
    state.route_of[request] = duty
    notify(arrays, state, request)
    unbank(state, request)
    return True


@inlined
def place_in_stripped(arrays: Arrays, state: State, request: int, duty: int) -> int:
    """Write the route, less breaks, plus the request, into `state.sequence`; -1 if impossible."""
    length = state.length[duty]
    whole = state.routes[duty, :length].copy()
    kept = without_breaks(arrays, whole, length, duty)
    state.routes[duty, : len(kept)] = kept
    state.length[duty] = len(kept)
    state.chains[duty].version = NOBODY
    _, pickup_gap, dropoff_gap = cheapest_in_duty(arrays, state, request, duty, np.inf)
    count = NOBODY
    if pickup_gap >= 0:
        count = place_pair(state, request, duty, pickup_gap, dropoff_gap)
    state.routes[duty, :length] = whole
    state.length[duty] = length
    state.chains[duty].version = NOBODY
    return int(count)
