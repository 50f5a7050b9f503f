"""Recreate: the unserved go back one by one, by regret or in an order drawn anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.arrays import Arrays
from atmr_engine.compiled import compiled, inlined, inner
from atmr_engine.construct.cheapest import insert_all
from atmr_engine.construct.regret import regret_all
from atmr_engine.random_numbers import uniform
from atmr_engine.state import BANKED, State

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLINK = 0.01
"""How often a duty is overlooked (Christiaens and Vanden Berghe 2020, section 4.4)."""
REGRET, FEW = 0.3, 16
"""How often the order is that of regret instead, with up to so many duties: it asks them often."""
RANDOM_ORDER, DEADLINE_ORDER, LENGTH_ORDER = 0.4, 0.6, 0.8
"""Up to here: at random; by latest pickup; by length of the ride; the rest by narrow windows."""


@inlined
def recreate(arrays: Arrays, state: State, random: NDArray[np.uint64]) -> None:
    """Insert all banked requests that fit."""
    count = state.counters[BANKED]
    order = state.bank[:count].copy()
    keys = np.empty(count)
    draw = uniform(random)
    for index in range(count):
        keys[index] = priority(arrays, order[index], draw, random)
    sort_by(keys, order)
    if len(arrays.duties) <= FEW and uniform(random) < REGRET:
        regret_all(arrays, state, order, BLINK, random)
    else:
        insert_all(arrays, state, order, BLINK, random)


@compiled
def priority(arrays: Arrays, request: int, draw: float, random: NDArray[np.uint64]) -> float:
    """What a request is sorted by, smallest first, in the order that was drawn."""
    row = arrays.requests[request]
    if draw < RANDOM_ORDER:
        return uniform(random)
    if draw < DEADLINE_ORDER:
        return float(row.latest_pickup_s)
    if draw < LENGTH_ORDER:
        return float(-row.direct_s)
    pickup, dropoff = arrays.nodes[2 * request], arrays.nodes[2 * request + 1]
    return float(min(pickup.close_s - pickup.open_s, dropoff.close_s - dropoff.open_s))


@inner
def sort_by(keys: NDArray[np.float64], values: NDArray[np.int64]) -> None:
    """Sort both by the keys, smallest first, equal ones in their order."""
    for index in range(1, len(keys)):
        key, value = keys[index], values[index]
        k = index
        while k > 0 and keys[k - 1] > key:
            keys[k], values[k] = keys[k - 1], values[k - 1]
            k -= 1
        keys[k], values[k] = key, value
