"""Regret insertion: whoever would lose most by waiting goes first (Potvin and Rousseau 1993).

The loss is what the second-best duty adds beyond the best one. Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.arrays import NOBODY, Arrays
from atmr_engine.compiled import inlined, inner
from atmr_engine.construct.cheapest import insert_cheapest, is_spare, offer_slot
from atmr_engine.insertion import may_serve
from atmr_engine.placement import insert_offer
from atmr_engine.plan_price import change_cost
from atmr_engine.random_numbers import uniform
from atmr_engine.state import State

if TYPE_CHECKING:
    from numpy.typing import NDArray


@inner
def regret_all(
    arrays: Arrays,
    state: State,
    order: NDArray[np.int64],
    blink: float,
    random: NDArray[np.uint64],
) -> None:
    """Insert each request of `order` that is unserved and fits, the others stay in the bank.

    Emergency drivers who serve nobody are not asked; what is left goes the cheapest way.
    """
    left = len(order)
    while left > 0:
        chosen, duty, most = NOBODY, NOBODY, -np.inf
        for index in range(left):
            where, added, second = best_two(arrays, state, order[index], blink, random)
            if where >= 0:
                second = min(second, arrays.requests[order[index]].unserved_cost)
                if second - added > most:
                    chosen, duty, most = index, where, second - added
        if chosen < 0:
            break
        place_offer(arrays, state, order[chosen], duty)
        left -= 1
        order[chosen] = order[left]
    for index in range(left):
        insert_cheapest(arrays, state, order[index], blink, random)


@inlined
def place_offer(arrays: Arrays, state: State, request: int, duty: int) -> None:
    """Insert a request where its offer of a duty says."""
    slot = offer_slot(arrays, state, request, duty, np.inf)
    offer = state.offers[request, duty, slot]
    gaps = (offer.pickup_gap, offer.dropoff_gap)
    insert_offer(arrays, state, request, duty, gaps[0], gaps[1], offer.added)


@inner
def best_two(
    arrays: Arrays, state: State, request: int, blink: float, random: NDArray[np.uint64]
) -> tuple[int, float, float]:
    """The duty to which a request adds least, what it adds, and what the second adds."""
    best, second, found = np.inf, np.inf, NOBODY
    row = arrays.requests[request]
    linked = row.after >= 0 or row.first_follower >= 0
    for duty in range(len(arrays.duties)):
        if not arrays.compatible[request, duty] or is_spare(arrays, state, duty):
            continue
        if found >= 0 and uniform(random) < blink:
            continue
        change = arrays.serve_cost[request, duty]
        if linked:
            if not may_serve(arrays, state, request, duty):
                continue
            change = change_cost(arrays, state.route_of, request, duty)
        slot = offer_slot(arrays, state, request, duty, second - change)
        added = state.offers[request, duty, slot].added + change
        if added < best:
            best, second, found = added, best, duty
        elif added < second:
            second = added
    return int(found), best, second
