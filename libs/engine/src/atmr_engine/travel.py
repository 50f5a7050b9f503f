"""Travel between places, the same all day or by time of day, and its inverse.

Slices follow Ichoua, Gendreau and Potvin (2003) in that who leaves later never arrives earlier;
here the travel time itself is linear between the knots.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Travel:
    """Travel times (seconds) and distances (kilometres) between places, float64.

    `time_s` is (places, places), or (slices, places, places) with `knots_s` (slices,): `time_s[k]`
    holds for a departure at `knots_s[k]`, between knots it is linear in the moment of departure,
    before the first and after the last it is constant. `distance_km` is (places, places) always.

    Entries may be asymmetric; an unreachable pair is `inf` (in all slices or in none). NaN and
    negative entries are refused, and slices in which a later departure would arrive earlier.
    """

    time_s: NDArray[np.float64]
    distance_km: NDArray[np.float64]
    knots_s: NDArray[np.float64] | None = None

    @property
    def places(self) -> int:
        """The number of places."""
        return int(self.time_s.shape[-1])


def travel_time(travel: Travel, a: int | None, b: int | None, depart_s: float) -> float:
    """Seconds from `a` to `b` for who leaves at `depart_s`; nowhere (None) is at no distance."""
    if a is None or b is None:
        return 0.0
    if travel.knots_s is None:
        return float(travel.time_s[a, b])
    times = travel.time_s[:, a, b]
    if np.isinf(times[0]):
        return math.inf
    return float(np.interp(depart_s, travel.knots_s, times))


def latest_departure(travel: Travel, a: int | None, b: int | None, arrive_s: float) -> float:
    """The latest moment to leave `a` and be at `b` by `arrive_s`; -inf where `b` is unreachable.

    The inverse of departure plus `travel_time`, which first-in-first-out makes non-decreasing;
    where a stretch of departures arrives at the same moment, its end.
    """
    if a is None or b is None:
        return arrive_s
    if travel.knots_s is None:
        return arrive_s - float(travel.time_s[a, b])
    times = travel.time_s[:, a, b]
    if np.isinf(times[0]):
        return -math.inf
    arrivals = np.maximum.accumulate(travel.knots_s + times)
    after = int(np.searchsorted(arrivals, arrive_s, side="right"))
    if after == 0 or after == len(arrivals):
        return arrive_s - float(times[0 if after == 0 else -1])
    share = (arrive_s - arrivals[after - 1]) / (arrivals[after] - arrivals[after - 1])
    left, right = travel.knots_s[after - 1], travel.knots_s[after]
    return float(left + share * (right - left))


def least_time(travel: Travel, a: int | None, b: int | None) -> float:
    """Seconds from `a` to `b` at the best time of day."""
    if a is None or b is None:
        return 0.0
    return float(np.min(travel.time_s[..., a, b]))


def greatest_time(travel: Travel, a: int | None, b: int | None) -> float:
    """Seconds from `a` to `b` at the worst time of day."""
    if a is None or b is None:
        return 0.0
    return float(np.max(travel.time_s[..., a, b]))
