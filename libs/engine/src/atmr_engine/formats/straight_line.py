"""Travel without a map: the great circle, a detour and one speed, as the caller states them.

An estimate for a first look at a day. Short trips take longer on roads than it says, long ones
less; a plan to be driven needs the matrices of a road router.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.formats.csv_geography import EARTH_RADIUS_KM
from atmr_engine.problem import Travel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atmr_engine.formats.day_records import Point

SECONDS_PER_HOUR = 3600.0


def straight_line(points: Sequence[Point], speed_kmh: float, detour_factor: float) -> Travel:
    """Travel between points (in their order): `detour_factor` times the great circle, at one speed.

    Distances are rounded to metres and times to tenths of a second, so that processors whose sines
    differ in the last bit still plan alike.

    Raises:
        ValueError: for a speed that is not positive and finite, or a factor below one.

    """
    if not 0.0 < speed_kmh < np.inf:
        raise ValueError(f"the speed must be positive and finite, not {speed_kmh} km/h")
    if not 1.0 <= detour_factor < np.inf:
        raise ValueError(f"the detour factor must be at least 1 and finite, not {detour_factor}")
    lat, lon = np.radians(np.array(points, dtype=np.float64).reshape(-1, 2)).T
    chord = np.sin((lat[:, None] - lat) / 2) ** 2
    chord += np.cos(lat)[:, None] * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    direct_km = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(1.0, chord)))
    distance_km = np.round(direct_km * detour_factor, 3)
    return Travel(
        time_s=np.round(distance_km * (SECONDS_PER_HOUR / speed_kmh), 1), distance_km=distance_km
    )
