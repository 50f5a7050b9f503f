"""Ejection: requests leave a route so that another one fits, those that are the easiest to place.

How hard a request is to place is learnt while searching, after Nagata and Braysy (2009), section 3:
the sum of the ejected ones' counters is the least. Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.arrays import NOBODY, Arrays
from atmr_engine.compiled import compiled, inner
from atmr_engine.insertion import cheapest_in_duty, may_serve
from atmr_engine.journal import rollback
from atmr_engine.placement import insert_offer
from atmr_engine.random_numbers import uniform
from atmr_engine.removal import pick, remove_picked
from atmr_engine.state import State

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOT = 0.5
"""Less than what one absence more weighs."""


@compiled
def make_way(
    arrays: Arrays,
    state: State,
    request: int,
    left_out: NDArray[np.int64],
    random: NDArray[np.uint64],
) -> bool:
    """Insert a banked request where the one or two that leave for it were `left_out` least often.

    The state is committed before and not after. False, and nothing changed, where no two requests
    of one duty can make way.
    """
    least, way, first, second = np.inf, NOBODY, NOBODY, NOBODY
    for duty in range(len(arrays.duties)):
        if may_serve(arrays, state, request, duty):
            weight, one, other = easiest_leavers(
                arrays, state, request, duty, left_out, least, random
            )
            if weight < least:
                least, way, first, second = weight, duty, one, other
    return way >= 0 and take_place(arrays, state, request, way, first, second)


@inner
def easiest_leavers(
    arrays: Arrays,
    state: State,
    request: int,
    duty: int,
    left_out: NDArray[np.int64],
    limit: float,
    random: NDArray[np.uint64],
) -> tuple[float, int, int]:
    """The one or two (else both the same) of a duty that can make way at a sum below `limit`.

    Returns the sum, `limit` where there are none. Between equal sums the lot decides.
    """
    least, first, second = limit, NOBODY, NOBODY
    for k in range(state.length[duty]):
        one = leaver(arrays, state, duty, k)
        if one < 0:
            continue
        for j in range(k, state.length[duty]):
            other = leaver(arrays, state, duty, j)
            if other < 0:
                continue
            weight = 1.0 + left_out[one] + LOT * uniform(random)
            if j > k:
                weight += 1.0 + left_out[other]
            if weight < least and gives_way(arrays, state, request, duty, one, other):
                least, first, second = weight, one, other
    return least, int(first), int(second)


@compiled
def leaver(arrays: Arrays, state: State, duty: int, k: int) -> int:
    """The request whose pickup is a stop of a route, if it may leave; -1 if there is none."""
    node = state.routes[duty, k]
    if node & 1 or node >= 2 * arrays.requests.shape[0] or arrays.requests[node >> 1].fixed:
        return -1
    return int(node >> 1)


@inner
def gives_way(arrays: Arrays, state: State, request: int, duty: int, one: int, other: int) -> bool:
    """Whether the request fits its duty once one or two others have left; nothing is changed."""
    fits = leave(arrays, state, one, other)
    if fits:
        _, pickup_gap, _ = cheapest_in_duty(arrays, state, request, duty, np.inf)
        fits = pickup_gap >= 0
    rollback(arrays, state)
    return fits


@compiled
def leave(arrays: Arrays, state: State, one: int, other: int) -> bool:
    """Bank one or two requests (`other` may be `one`); whether both have left."""
    pick(arrays, state, one)
    pick(arrays, state, other)
    remove_picked(arrays, state)
    return bool(state.route_of[one] < 0 and state.route_of[other] < 0)


@inner
def take_place(arrays: Arrays, state: State, request: int, duty: int, one: int, other: int) -> bool:
    """Remove one or two requests and insert another where it adds least; whether that went."""
    if not leave(arrays, state, one, other):
        return False
    added, pickup_gap, dropoff_gap = cheapest_in_duty(arrays, state, request, duty, np.inf)
    return pickup_gap >= 0 and insert_offer(
        arrays, state, request, duty, pickup_gap, dropoff_gap, added
    )
