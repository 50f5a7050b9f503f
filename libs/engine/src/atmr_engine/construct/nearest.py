"""Nearest vehicle first: what a dispatcher by radio does, and the least that a plan must beat.

Each request in turn goes to the duty that stands nearest when it is wanted, if it fits there. It is
compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.arrays import NOBODY, Arrays
from atmr_engine.breaks import insert_moving_breaks
from atmr_engine.compiled import compiled, inner, inner_allocating
from atmr_engine.insertion import cheapest_in_duty, may_serve
from atmr_engine.placement import insert
from atmr_engine.state import State

if TYPE_CHECKING:
    from numpy.typing import NDArray


@compiled
def dispatch_all(arrays: Arrays, state: State, order: NDArray[np.int64]) -> None:
    """Insert each request of `order` that is unserved and fits, the others stay in the bank."""
    for request in order:
        if state.route_of[request] < 0:
            dispatch_nearest(arrays, state, request)


@inner_allocating
def dispatch_nearest(arrays: Arrays, state: State, request: int) -> bool:
    """Serve a banked request with the nearest duty that it fits; False where it fits none.

    Emergency drivers come after all regular ones, breaks are moved only where nothing else helps.
    """
    asked = np.zeros(len(arrays.duties), dtype=np.uint8)
    for kind in range(4):
        asked[:] = 0
        duty = nearest_duty(arrays, state, request, kind // 2, asked)
        while duty >= 0:
            if kind % 2 and insert_moving_breaks(arrays, state, request, duty):
                return True
            if kind % 2 == 0 and insert_into(arrays, state, request, duty):
                return True
            asked[duty] = 1
            duty = nearest_duty(arrays, state, request, kind // 2, asked)
    return False


@inner
def insert_into(arrays: Arrays, state: State, request: int, duty: int) -> bool:
    """Serve a banked request on a duty where that costs least."""
    _, pickup_gap, dropoff_gap = cheapest_in_duty(arrays, state, request, duty, np.inf)
    return pickup_gap >= 0 and insert(arrays, state, request, duty, pickup_gap, dropoff_gap)


@inner
def nearest_duty(
    arrays: Arrays, state: State, request: int, emergency: int, asked: NDArray[np.uint8]
) -> int:
    """The duty of a kind that is nearest and was not asked yet; -1 when all were."""
    nearest, found = np.inf, NOBODY
    for duty in range(len(arrays.duties)):
        if asked[duty] or arrays.duties[duty].emergency != emergency:
            continue
        if may_serve(arrays, state, request, duty):
            away = approach(arrays, state, request, duty)
            if away < nearest:
                nearest, found = away, duty
    return int(found)


@inner
def approach(arrays: Arrays, state: State, request: int, duty: int) -> float:
    """Seconds from where a duty's vehicle is by the latest pickup to the request."""
    place = arrays.duties[duty].start
    visits = 2 * len(arrays.requests)
    for k in range(state.length[duty]):
        node = state.routes[duty, k]
        if node < visits:
            if state.begin_s[node] > arrays.requests[request].latest_pickup_s:
                break
            place = arrays.nodes[node].place
    return float(arrays.time_s[place, arrays.nodes[2 * request].place])
