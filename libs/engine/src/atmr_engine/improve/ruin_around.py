"""Ruin: around a request that has no place, so that one opens for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.arrays import Arrays
from atmr_engine.compiled import inner
from atmr_engine.improve.ruin_related import SKIP
from atmr_engine.improve.ruin_strings import pick_string
from atmr_engine.random_numbers import uniform
from atmr_engine.removal import pick
from atmr_engine.state import PICKED, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STRING = 0.5
"""How often a neighbour leaves with a string of stops around it instead of alone."""


@inner
def pick_around(
    arrays: Arrays,
    state: State,
    near: NDArray[np.int64],
    request: int,
    count: int,
    random: NDArray[np.uint64],
) -> None:
    """Pick up to `count` requests from among the neighbours of one (`near`, nearest first)."""
    for neighbour in near[request]:
        if state.counters[PICKED] >= count:
            return
        if uniform(random) >= SKIP:
            if uniform(random) < STRING:
                pick_string(arrays, state, neighbour, count, random)
            else:
                pick(arrays, state, neighbour)
