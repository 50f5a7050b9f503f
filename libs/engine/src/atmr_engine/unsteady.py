"""Ways that depend on when they are left: by the time of day, and past times out of service.

The vehicle leaves a stop at the first moment from which it misses all times away. Who leaves later
arrives no earlier, so that timetables are least fixpoints as ever. Compiled by
`atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atmr_engine.arrays import UNREACHABLE, Arrays
from atmr_engine.compiled import compiled, inner
from atmr_engine.departure import HALF

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@inner
def way_s(arrays: Arrays, here: int, there: int, depart_s: float) -> float:
    """Seconds from place to place for who leaves at `depart_s`."""
    knots, last = arrays.knots_s, len(arrays.knots_s) - 1
    if last < 0 or arrays.time_s[here, there] >= UNREACHABLE:
        return float(arrays.time_s[here, there])
    if depart_s <= knots[0]:
        return float(arrays.slices_s[0, here, there])
    for k in range(last):
        if depart_s < knots[k + 1]:
            share = (depart_s - knots[k]) / (knots[k + 1] - knots[k])
            early, late = arrays.slices_s[k, here, there], arrays.slices_s[k + 1, here, there]
            return float(early + share * (late - early))
    return float(arrays.slices_s[last, here, there])


@inner
def longest_way_s(arrays: Arrays, here: int, there: int) -> float:
    """Seconds from place to place at the worst time of day."""
    longest_s = arrays.time_s[here, there]
    for k in range(len(arrays.knots_s)):
        longest_s = max(longest_s, arrays.slices_s[k, here, there])
    return float(longest_s)


@compiled
def reach(arrays: Arrays, duty: int, here: int, there: int, free_s: float) -> float:
    """When the vehicle can be there at the earliest, free to leave `here` at `free_s`."""
    depart_s = free_s
    arrive_s = depart_s + way_s(arrays, here, there, depart_s)
    row = arrays.duties[duty]
    for k in range(row.first_away, row.first_away + row.aways):
        opens_s, closes_s = arrays.aways[k, 0], arrays.aways[k, 1]
        if arrive_s > depart_s and arrive_s > opens_s + HALF and depart_s < closes_s - HALF:
            depart_s = closes_s
            arrive_s = depart_s + way_s(arrays, here, there, depart_s)
    return float(arrive_s)


@compiled
def leave(arrays: Arrays, duty: int, here: int, there: int, arrive_s: float) -> float:
    """When the vehicle must leave `here` at the latest to be there by `arrive_s`."""
    depart_s = leave_for(arrays, here, there, arrive_s)
    by_s, row = arrive_s, arrays.duties[duty]
    for k in range(row.first_away + row.aways - 1, row.first_away - 1, -1):
        opens_s, closes_s = arrays.aways[k, 0], arrays.aways[k, 1]
        if by_s > depart_s and by_s > opens_s + HALF and depart_s < closes_s - HALF:
            by_s = opens_s
            depart_s = leave_for(arrays, here, there, by_s)
    return float(depart_s)


@inner
def leave_for(arrays: Arrays, here: int, there: int, arrive_s: float) -> float:
    """The same without times away: the inverse of departure plus `way_s`."""
    knots, last = arrays.knots_s, len(arrays.knots_s) - 1
    if last < 0 or arrays.time_s[here, there] >= UNREACHABLE:
        return float(arrive_s - arrays.time_s[here, there])
    for k in range(last, -1, -1):
        reached_s = knots[k] + arrays.slices_s[k, here, there]
        if arrive_s >= reached_s:
            if k == last:
                return float(arrive_s - arrays.slices_s[last, here, there])
            behind_s = knots[k + 1] + arrays.slices_s[k + 1, here, there]
            if behind_s <= reached_s:
                return float(knots[k + 1])
            share = min(1.0, (arrive_s - reached_s) / (behind_s - reached_s))
            return float(knots[k] + share * (knots[k + 1] - knots[k]))
    return float(arrive_s - arrays.slices_s[0, here, there])


@inner
def past_aways(aways: NDArray[np.float64], duty: Any, time_s: float, spent_s: float) -> float:
    """The earliest begin from `time_s` on of something that misses all times away."""
    begin_s = time_s
    for k in range(duty.first_away, duty.first_away + duty.aways):
        if begin_s + spent_s > aways[k, 0] + HALF and begin_s < aways[k, 1] - HALF:
            begin_s = aways[k, 1]
    return begin_s


@inner
def before_aways(aways: NDArray[np.float64], duty: Any, time_s: float, spent_s: float) -> float:
    """The latest begin up to `time_s` of something that misses all times away."""
    begin_s = time_s
    for k in range(duty.first_away + duty.aways - 1, duty.first_away - 1, -1):
        if begin_s + spent_s > aways[k, 0] + HALF and begin_s < aways[k, 1] - HALF:
            begin_s = aways[k, 0] - spent_s
    return begin_s
