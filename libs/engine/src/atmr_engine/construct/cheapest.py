"""Cheapest insertion: each request in turn goes where it adds least, regular drivers first.

What was found for a route stays valid until the route changes, so a search asks again for next to
nothing. Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.arrays import Arrays
from atmr_engine.breaks import insert_moving_breaks
from atmr_engine.compiled import compiled
from atmr_engine.insertion import cheapest_in_duty, may_serve
from atmr_engine.pricing import change_cost
from atmr_engine.random_numbers import uniform
from atmr_engine.state import State, insert

if TYPE_CHECKING:
    from numpy.typing import NDArray


@compiled
def insert_all(
    arrays: Arrays,
    state: State,
    order: NDArray[np.int32],
    blink: float,
    random: NDArray[np.uint64],
) -> None:
    """Insert each request of `order` that is unserved and fits, the others stay in the bank."""
    for request in order:
        if state.route_of[request] < 0:
            insert_cheapest(arrays, state, request, blink, random)


@compiled
def insert_cheapest(
    arrays: Arrays, state: State, request: int, blink: float, random: NDArray[np.uint64]
) -> bool:
    """Serve a banked request where that costs least; False where it fits nowhere.

    Emergency drivers are asked only when it fits no regular one, even with other break times. A
    duty is overlooked with probability `blink` once there is another (Christiaens and Vanden
    Berghe 2020, section 4.4: greedy insertion with blinks).
    """
    for emergency in range(2):
        duty = cheapest_duty(arrays, state, request, emergency, blink, random)
        if duty >= 0:
            offer = state.offers[request, duty]
            return insert(arrays, state, request, duty, offer.pickup_gap, offer.dropoff_gap)
        for other in range(len(arrays.duties)):
            if (
                arrays.duties[other].emergency == emergency
                and may_serve(arrays, state, request, other)
                and insert_moving_breaks(arrays, state, request, other)
            ):
                return True
    return False


@compiled
def cheapest_duty(
    arrays: Arrays,
    state: State,
    request: int,
    emergency: int,
    blink: float,
    random: NDArray[np.uint64],
) -> int:
    """The duty of a kind to which a request adds least; -1 where it fits none."""
    best, found = np.inf, -1
    for duty in range(len(arrays.duties)):
        if arrays.duties[duty].emergency != emergency or not may_serve(
            arrays, state, request, duty
        ):
            continue
        if found >= 0 and uniform(random) < blink:
            continue
        change = change_cost(arrays, state.route_of, request, duty)
        added = offered(arrays, state, request, duty, best - change) + change
        if added < best:
            best, found = added, duty
    return found


@compiled
def offered(arrays: Arrays, state: State, request: int, duty: int, limit: float) -> float:
    """What a request adds to a route, if less than `limit`, else inf; remembered."""
    offer = state.offers[request, duty]
    if (
        offer.duty_version != state.version[duty]
        or offer.request_version != state.request_version[request]
        or (offer.pickup_gap < 0 and limit > offer.limit)
    ):
        added, pickup_gap, dropoff_gap = cheapest_in_duty(arrays, state, request, duty, limit)
        offer.duty_version = state.version[duty]
        offer.request_version = state.request_version[request]
        offer.limit = limit
        offer.added = added
        offer.pickup_gap = pickup_gap
        offer.dropoff_gap = dropoff_gap
    return float(offer.added)
