"""Earliest times of a route whose ways depend on when they are left, as a least fixpoint.

Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atmr_engine.arrays import TOLERANCE, Arrays
from atmr_engine.compiled import inner
from atmr_engine.departure import HALF
from atmr_engine.settling import raise_earlier
from atmr_engine.unsteady import past_aways, reach

if TYPE_CHECKING:
    from numpy.typing import NDArray


PATIENCE = 4
"""Times as many pairs of sweeps as a steady route needs at most; then there is no timetable."""


@inner
def works(stop: Any) -> bool:
    """Whether the vehicle cannot be out of service there: at a visit or in reserve."""
    return bool(not stop.pause or not stop.rests)


@inner
def settle_unsteady(
    arrays: Arrays, trial: NDArray[Any], count: int, duty: int, longest_s: float
) -> bool:
    """Raise all times to the least fixpoint; False where there is none."""
    for _ in range(PATIENCE * (count + 3)):
        if not sweep_ways(arrays, trial, count, duty):
            return False
        raised = raise_earlier(trial, count, longest_s)
        carried = raise_carriers(arrays, trial, count, duty)
        if raised < 0 or carried < 0:
            return False
        if raised + carried == 0:
            return True
    return False


@inner
def sweep_ways(arrays: Arrays, trial: NDArray[Any], count: int, duty: int) -> bool:
    """Nobody arrives before the way is driven, nor before the linked leg has ended."""
    row = arrays.duties[duty]
    for k in range(1, count + 2):
        stop, before = trial[k], trial[k - 1]
        free_s = before.time_s + before.spent_s + before.rest_s
        time = max(stop.time_s, reach(arrays, duty, before.place, stop.place, free_s))
        if stop.linked >= 0:
            if stop.linked >= k:
                return False
            time = max(time, trial[stop.linked].time_s + stop.gap_s)
        if k <= count and works(stop):
            time = past_aways(arrays.aways, row, time, stop.spent_s)
        if time > stop.high_s + TOLERANCE:
            return False
        stop.time_s = time
    return True


@inner
def raise_carriers(arrays: Arrays, trial: NDArray[Any], count: int, duty: int) -> int:
    """Nobody is on board in a time out of service: 1 if a stop moved, 0 if not, -1 if none can."""
    row, moved = arrays.duties[duty], 0
    for k in range(count - 1, 0, -1):
        stop = trial[k]
        if stop.aboard == 0:
            continue
        for index in range(row.first_away, row.first_away + row.aways):
            opens_s, closes_s = arrays.aways[index, 0], arrays.aways[index, 1]
            ends_s = stop.time_s + stop.spent_s
            if trial[k + 1].time_s > opens_s + HALF and ends_s < closes_s - HALF:
                if closes_s > stop.high_s + TOLERANCE:
                    return -1
                stop.time_s, moved = closes_s, 1
    return moved
