"""Ruin: requests anywhere, so that the search never stays in one corner."""

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
def pick_random(arrays: Arrays, state: State, count: int, random: NDArray[np.uint64]) -> None:
    """Pick up to `count` requests, all alike likely."""
    for _ in range(count):
        pick(arrays, state, below(random, len(arrays.requests)))
