"""All duties asked for one request in one compiled call: the few that it costs least to serve it.

The scan is exact: a duty is left early only when what it could offer is dearer than what is kept.
Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.arrays import NOBODY, NOTHING, Arrays
from atmr_engine.compiled import compiled, inner
from atmr_engine.insertion import cheapest_in_duty, may_serve
from atmr_engine.placement import note_times, place_pair
from atmr_engine.plan_price import change_cost
from atmr_engine.schedule import schedule
from atmr_engine.state import State

if TYPE_CHECKING:
    from numpy.typing import NDArray

PLACING = np.dtype(
    [
        ("duty", np.int64),
        ("pickup_gap", np.int64),
        ("dropoff_gap", np.int64),
        ("added", np.float64),  # without what the request cost while it was unserved
    ]
)


@compiled
def scan(arrays: Arrays, state: State, request: int, found: NDArray[Any]) -> int:
    """Fill `found` (k,) PLACING with the cheapest insertion of each duty, cheapest duties first.

    The request is unserved, and nothing is changed. Returns how many were found, k at most; of two
    that cost the same the earlier duty comes first.
    """
    count = NOTHING
    for duty in range(len(arrays.duties)):
        if may_serve(arrays, state, request, duty):
            change = change_cost(arrays, state.route_of, request, duty)
            limit = found[count - 1].added - change if count == len(found) else np.inf
            added, pickup, dropoff = cheapest_in_duty(arrays, state, request, duty, limit)
            if pickup >= 0:
                count = sort_in(found, count, added + change, duty, pickup, dropoff)
    return int(count)


@inner
def sort_in(
    found: NDArray[Any], count: int, added: float, duty: int, pickup_gap: int, dropoff_gap: int
) -> int:
    """Give a duty its place among those found, the dearest falls out; returns how many are kept."""
    kept = min(count + 1, len(found))
    k = kept - 1
    while k > 0 and found[k - 1].added > added:
        found[k] = found[k - 1]
        k -= 1
    row = found[k]
    row.added, row.duty = added, duty
    row.pickup_gap, row.dropoff_gap = pickup_gap, dropoff_gap
    return int(kept)


@compiled
def lay_times(
    arrays: Arrays, state: State, request: int, placing: Any, begin_s: NDArray[np.float64]
) -> int:
    """Write the times of a duty's route with the request placed into `begin_s` (2 N,), by node.

    The nodes stand in `state.sequence`, as many as this returns; -1 where there is no timetable.
    """
    duty = placing.duty
    count = place_pair(state, request, duty, placing.pickup_gap, placing.dropoff_gap)
    if not schedule(arrays, state, state.sequence, count, duty):
        return int(NOBODY)
    for k in range(count):
        note_times(begin_s, state.sequence[k], state.trial[k + 1])
    return count
