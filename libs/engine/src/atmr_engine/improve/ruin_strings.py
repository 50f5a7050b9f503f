"""Ruin: strings of adjacent stops on routes that pass near each other.

Slack in space and time together, after Christiaens and Vanden Berghe (2020), section 4.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.arrays import Arrays
from atmr_engine.compiled import inner
from atmr_engine.random_numbers import below
from atmr_engine.removal import pick
from atmr_engine.state import PICKED, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST = 12
"""Stops in the longest string."""


@inner
def pick_strings(
    arrays: Arrays,
    state: State,
    near: NDArray[np.int64],
    count: int,
    random: NDArray[np.uint64],
) -> None:
    """Pick one string around a random request and one around each near one on another route.

    Ends when about `count` requests are picked.
    """
    seed = below(random, len(arrays.requests))
    pick_string(arrays, state, seed, count, random)
    for neighbour in near[seed]:
        if state.counters[PICKED] >= count:
            return
        duty = state.route_of[neighbour]
        if duty >= 0 and not is_ruined(state, duty):
            pick_string(arrays, state, neighbour, count, random)


@inner
def is_ruined(state: State, duty: int) -> bool:
    """Whether something of a route is picked already."""
    for index in range(state.counters[PICKED]):
        if state.route_of[state.picked[index]] == duty:
            return True
    return False


@inner
def pick_string(
    arrays: Arrays, state: State, request: int, count: int, random: NDArray[np.uint64]
) -> None:
    """Pick the requests of a random string of stops around a request's pickup."""
    duty = state.route_of[request]
    if duty < 0:
        return
    length = state.length[duty]
    where = 0
    while state.routes[duty, where] != 2 * request:
        where += 1
    longest = min(LONGEST, length)
    size = 1 + below(random, longest)
    first = max(0, min(where - below(random, size), length - size))
    for k in range(first, first + size):
        node = state.routes[duty, k]
        if node < 2 * len(arrays.requests) and state.counters[PICKED] < count:
            pick(arrays, state, node >> 1)
