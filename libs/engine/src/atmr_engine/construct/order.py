"""In which order requests are inserted: who must be picked up first comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.state import BANKED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atmr_engine.arrays import Arrays
    from atmr_engine.state import State


def by_earliest_need(arrays: Arrays, state: State) -> NDArray[np.int64]:
    """The unserved requests by the latest moment at which their pickup can begin."""
    bank = np.sort(state.bank[: state.counters[BANKED]])
    return bank[np.argsort(arrays.requests["latest_pickup_s"][bank], kind="stable")]
