"""Ruin: a request and those nearest to it in place and time (Shaw 1998), which can swap places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.arrays import Arrays
from atmr_engine.compiled import inner
from atmr_engine.random_numbers import below, uniform
from atmr_engine.removal import pick
from atmr_engine.state import PICKED, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SKIP = 0.3
"""How often a neighbour is passed over, so that the same request gives different ruins."""


@inner
def pick_related(
    arrays: Arrays,
    state: State,
    near: NDArray[np.int64],
    count: int,
    random: NDArray[np.uint64],
) -> None:
    """Pick a random request and up to `count - 1` of its neighbours (`near`, nearest first)."""
    seed = below(random, len(arrays.requests))
    pick(arrays, state, seed)
    for neighbour in near[seed]:
        if state.counters[PICKED] >= count:
            return
        if uniform(random) >= SKIP:
            pick(arrays, state, neighbour)
