"""Ruin: a whole route, so that a duty can be emptied or begun anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.arrays import Arrays
from atmr_engine.compiled import inner
from atmr_engine.random_numbers import below
from atmr_engine.removal import pick
from atmr_engine.state import State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@inner
def pick_route(arrays: Arrays, state: State, random: NDArray[np.uint64]) -> None:
    """Pick all requests of the route that a random request is on."""
    duty = state.route_of[below(random, len(arrays.requests))]
    if duty < 0:
        return
    for k in range(state.length[duty]):
        node = state.routes[duty, k]
        if node < 2 * len(arrays.requests):
            pick(arrays, state, node >> 1)
