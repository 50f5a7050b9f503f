"""Driving limits in a laid-out route: where the driver rests, and how long the ways are in all.

Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atmr_engine.arrays import NOBODY, TOLERANCE, Arrays
from atmr_engine.compiled import inner
from atmr_engine.departure import HALF
from atmr_engine.unsteady import longest_way_s, reach, way_s

if TYPE_CHECKING:
    from numpy.typing import NDArray


@inner
def lay_rests(arrays: Arrays, trial: NDArray[Any], count: int, duty: int, beyond_s: float) -> bool:
    """Say who is on board, and where driving asks for a rest; False where there can be none.

    The vehicle rests behind the last stop that leaves it empty before the driving would be too
    long, judged by the longest ways of a day.
    """
    row, aboard = arrays.duties[duty], 0
    longest_s = row.rest_after_s + beyond_s + HALF
    stretch_s, since_s, empty = 0.0, 0.0, NOBODY
    for k in range(count + 1):
        stop = trial[k]
        if rests(stop, row):
            stretch_s, empty = 0.0, NOBODY
        elif k > 0 and not stop.pause:
            aboard += -1 if stop.boarded >= 0 else 1
        if aboard == 0 and k > row.committed and stretch_s > 0.0:
            empty, since_s = k, 0.0
        stop.aboard = aboard
        way = longest_way_s(arrays, stop.place, trial[k + 1].place)
        stretch_s, since_s = stretch_s + way, since_s + way
        if stretch_s > longest_s:
            if empty < 0 or since_s > longest_s:
                return False
            trial[empty].rest_s = row.rest_s
            stretch_s, empty = since_s, NOBODY
    return True


@inner
def rests(stop: Any, duty: Any) -> bool:
    """Whether a stop is a break that begins the driving anew."""
    return bool(stop.rests and stop.spent_s >= duty.rest_s - TOLERANCE)


@inner
def state_ways(arrays: Arrays, trial: NDArray[Any], count: int, duty: int, beyond_s: float) -> bool:
    """Write the ways as they are left into the stops; False where the driving is too long."""
    row, driven_s, stretch_s = arrays.duties[duty], 0.0, 0.0
    for k in range(1, count + 2):
        stop, before = trial[k], trial[k - 1]
        served_s = before.time_s + before.spent_s
        free_s = served_s + before.rest_s
        stop.travel_s = reach(arrays, duty, before.place, stop.place, free_s) - served_s
        if rests(before, row) or before.rest_s > 0.0:
            stretch_s = 0.0
        way = way_s(arrays, before.place, stop.place, free_s)
        driven_s, stretch_s = driven_s + way, stretch_s + way
        if stretch_s > row.rest_after_s + beyond_s + HALF:
            return False
        if k <= count and stop.boarded >= 0:
            pickup = trial[stop.boarded]
            leaves_s = pickup.time_s + pickup.spent_s
            stop.direct_s = way_s(arrays, pickup.place, stop.place, leaves_s)
    return bool(driven_s <= row.max_driving_s + beyond_s + HALF)
