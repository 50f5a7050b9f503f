"""Cheapest insertion: each request in turn goes where it adds least, regular drivers first.

What was found for a route stays valid until the route changes, so a search asks again for next to
nothing. Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.arrays import NOBODY, Arrays
from atmr_engine.breaks import insert_moving_breaks
from atmr_engine.compiled import compiled, inlined
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
    order: NDArray[np.int64],
    blink: float,
    random: NDArray[np.uint64],
) -> None:
    """Insert each request of `order` that is unserved and fits, the others stay in the bank."""
    for request in order:
        if state.route_of[request] < 0:
            insert_cheapest(arrays, state, request, blink, random)


@inlined
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


@inlined
def cheapest_duty(
    arrays: Arrays,
    state: State,
    request: int,
    emergency: int,
    blink: float,
    random: NDArray[np.uint64],
) -> int:
    """The duty of a kind to which a request adds least; -1 where it fits none."""
    best, found = np.inf, NOBODY
    row = arrays.requests[request]
    linked = row.after >= 0 or row.first_follower >= 0
    version, change = state.request_version[request], 0.0
    for duty in range(len(arrays.duties)):
        if arrays.duties[duty].emergency != emergency or not arrays.compatible[request, duty]:
            continue
        if found >= 0 and uniform(random) < blink:
            continue
        if linked:
            if not may_serve(arrays, state, request, duty):
                continue
            change = change_cost(arrays, state.route_of, request, duty)
        offer = state.offers[request, duty]
        if is_outdated(offer, state.version[duty], version, best - change):
            renew(arrays, state, request, duty, best - change)
        if offer.added + change < best:
            best, found = offer.added + change, duty
    return int(found)


@compiled
def is_outdated(offer: Any, duty_version: int, request_version: int, limit: float) -> bool:
    """Whether route or request changed since, or a dearer place was not looked for."""
    return bool(
        offer.duty_version != duty_version
        or offer.request_version != request_version
        or (offer.pickup_gap < 0 and limit > offer.limit)
    )


@inlined
def renew(arrays: Arrays, state: State, request: int, duty: int, limit: float) -> None:
    """Find out, and remember, what a request adds to a route if that is less than `limit`."""
    added, pickup_gap, dropoff_gap = cheapest_in_duty(arrays, state, request, duty, limit)
    offer = state.offers[request, duty]
    offer.duty_version = state.version[duty]
    offer.request_version = state.request_version[request]
    offer.limit = limit
    offer.added = added
    offer.pickup_gap = pickup_gap
    offer.dropoff_gap = dropoff_gap
