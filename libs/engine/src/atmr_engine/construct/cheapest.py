"""Cheapest insertion: each request in turn goes where it adds least, regular drivers first.

What was found for a route stays valid until the route changes, so a search asks again for next to
nothing. Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.arrays import NOBODY, Arrays
from atmr_engine.breaks import insert_moving_breaks
from atmr_engine.compiled import compiled, inlined, inner
from atmr_engine.insertion import cheapest_gaps, may_serve
from atmr_engine.placement import insert_offer
from atmr_engine.plan_price import change_cost
from atmr_engine.random_numbers import uniform
from atmr_engine.state import SLOTS, State

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDER = 1.5
"""How far beyond what is asked for an offer is looked for, since more will be asked soon."""


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


@inner
def insert_cheapest(
    arrays: Arrays, state: State, request: int, blink: float, random: NDArray[np.uint64]
) -> bool:
    """Serve a banked request where that costs least; False where it fits nowhere.

    Emergency drivers who serve nobody yet are asked only when it fits none of the others, even with
    other break times. A duty is overlooked with probability `blink` once there is another
    (Christiaens and Vanden Berghe 2020, section 4.4: greedy insertion with blinks).
    """
    for emergency in range(2):
        duty = cheapest_duty(arrays, state, request, emergency, blink, random)
        if duty >= 0:
            slot = offer_slot(arrays, state, request, duty, np.inf)
            offer = state.offers[request, duty, slot]
            gaps = (offer.pickup_gap, offer.dropoff_gap)
            return insert_offer(arrays, state, request, duty, gaps[0], gaps[1], offer.added)
        for other in range(len(arrays.duties)):
            if (
                is_spare(arrays, state, other) == emergency
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
    for duty in range(len(arrays.duties)):
        if not arrays.compatible[request, duty] or is_spare(arrays, state, duty) != emergency:
            continue
        if found >= 0 and uniform(random) < blink:
            continue
        change = arrays.serve_cost[request, duty]
        if linked:
            if not may_serve(arrays, state, request, duty):
                continue
            change = change_cost(arrays, state.route_of, request, duty)
        slot = offer_slot(arrays, state, request, duty, best - change)
        offer = state.offers[request, duty, slot]
        if offer.added + change < best:
            best, found = offer.added + change, duty
    return int(found)


@inlined
def is_spare(arrays: Arrays, state: State, duty: int) -> int:
    """1 for an emergency driver's duty that serves nobody yet, else 0."""
    row = arrays.duties[duty]
    return int(row.emergency and row.committed == 0 and state.length[duty] == row.breaks)


@inlined
def offer_slot(arrays: Arrays, state: State, request: int, duty: int, limit: float) -> int:
    """Where `state.offers[request, duty]` tells what the request adds to the route.

    It is known, or found out now, where that is less than `limit`.
    """
    slots = state.offers[request, duty]
    slot = known_slot(slots, state.version[duty], state.request_version[request], limit)
    if slot < 0:
        slot = find_offer(arrays, state, request, duty, limit)
    return slot


@inner
def known_slot(slots: NDArray[Any], duty_version: int, request_version: int, limit: float) -> int:
    """The slot whose offer still holds; -1 for none, or none that was looked for far enough."""
    for index in range(SLOTS):
        offer = slots[index]
        same = offer.duty_version == duty_version and offer.request_version == request_version
        if same and (offer.pickup_gap >= 0 or limit <= offer.limit):
            return index
    return -1


@inner
def find_offer(arrays: Arrays, state: State, request: int, duty: int, limit: float) -> int:
    """Find out what a request adds to a route, and keep it beside that of the route as it was."""
    version, of_request = state.version[duty], state.request_version[request]
    slots = state.offers[request, duty]
    slot = int(state.touched[duty] and slots[0].duty_version == state.saved_version[duty])
    for index in range(SLOTS):
        if slots[index].duty_version == version:
            slot = index
    wider = max(limit, WIDER * limit)
    added, pickup_gap, dropoff_gap = cheapest_gaps(arrays, state, request, duty, wider)
    offer = slots[slot]
    offer.duty_version, offer.request_version, offer.limit = version, of_request, wider
    offer.added, offer.pickup_gap, offer.dropoff_gap = added, pickup_gap, dropoff_gap
    return slot
