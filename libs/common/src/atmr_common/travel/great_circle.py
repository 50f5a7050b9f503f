"""Travel times without a map: great-circle distance, a detour, a pace, all fitted.

This is what answers where no OSRM is configured, and what the fallback
answers while OSRM is down. `calibration.py` fits the numbers.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from atmr_common.travel.port import TravelMatrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from atmr_common.travel.port import Coordinate

SOURCE = "great_circle"
EARTH_RADIUS_KM = 6371.0088  # mean radius R1 of WGS 84 (Moritz 2000)
SWISS_MOTORWAY_LIMIT_KMH = 120.0  # Verkehrsregelnverordnung (SR 741.11), article 4a


@dataclass(frozen=True, slots=True)
class DetourModel:
    """From d, the great-circle distance in km, to the road's distance and time.

    road_km = detour_factor * d + detour_offset_km * (1 - exp(-d / detour_scale_km))
    time_s  = max(pace_s * d ** pace_exponent, road_km at the top speed)

    Both are zero at zero, increasing and subadditive (concave, or the larger of two that are), so
    the triangle inequality of the great circle survives. Short trips pay for one-way streets and
    bridges (the offset), long ones find faster roads (an exponent below one).
    """

    detour_factor: float
    detour_offset_km: float
    detour_scale_km: float
    pace_s: float
    pace_exponent: float
    top_speed_kmh: float = SWISS_MOTORWAY_LIMIT_KMH

    def road_km(self, great_circle_km: NDArray[np.float64]) -> NDArray[np.float64]:
        """Road distance in km for great-circle km, any shape."""
        offset = self.detour_offset_km * -np.expm1(-great_circle_km / self.detour_scale_km)
        return self.detour_factor * great_circle_km + offset

    def time_s(self, great_circle_km: NDArray[np.float64]) -> NDArray[np.float64]:
        """Driving time in seconds for great-circle km, any shape."""
        fastest = self.road_km(great_circle_km) * (3600.0 / self.top_speed_kmh)
        return np.maximum(self.pace_s * great_circle_km**self.pace_exponent, fastest)


GENEVA_CENTRE = DetourModel(
    detour_factor=1.151,
    detour_offset_km=0.701,
    detour_scale_km=0.35,
    pace_s=222.4,
    pace_exponent=0.667,
)
"""Fitted on 2026-11-21 to OSRM (osrm-bindings 26.10.0, car.lua, MLD) on the OpenStreetMap extract
of Geneva's centre (4.8 x 3.9 km): `atmr_common.travel.calibration --box 46.194,6.098,46.229,6.160`.

337,430 pairs fitted, 335,798 others held out; on those the sum of times is 0.4 % too short and the
sum of distances 0.1 %, a single time is off by 13 % in the median and 39 % at the 90th percentile,
a single distance by 12 % and 36 %. Free flow, no traffic. It is the city centre only: beyond 5 km
the curve is extrapolated. That an exponent near 2/3 goes on holding is supported by 9,908 trips of
New York taxis of 0.2 to 80 km (exponent 0.678, fitted to their driven distance, traffic included).
"""


class GreatCircle:
    """Estimates every pair from the great-circle distance; never fails, knows no traffic."""

    def __init__(self, model: DetourModel = GENEVA_CENTRE) -> None:
        self._model = model

    async def matrix(self, points: Sequence[Coordinate]) -> TravelMatrix:
        return await asyncio.to_thread(estimate, points, self._model)

    async def aclose(self) -> None:
        """Nothing is held."""


def estimate(points: Sequence[Coordinate], model: DetourModel = GENEVA_CENTRE) -> TravelMatrix:
    """The same without an event loop: all pairs of `points`, in their order.

    Rounded to tenths of a second and to metres, so that processors whose sines differ in the last
    bit still plan the same day alike.
    """
    direct = great_circle_km(points)
    return TravelMatrix(
        time_s=np.round(model.time_s(direct), 1),
        distance_km=np.round(model.road_km(direct), 3),
        source=SOURCE,
    )


def great_circle_km(points: Sequence[Coordinate]) -> NDArray[np.float64]:
    """Haversine distance of all pairs, (n, n) km, symmetric."""
    degrees = np.array([(p.lat, p.lon) for p in points], dtype=np.float64).reshape(-1, 2)
    lat, lon = np.radians(degrees).T
    half_lat = np.sin((lat[:, None] - lat) / 2) ** 2
    half_lon = np.sin((lon[:, None] - lon) / 2) ** 2
    chord = half_lat + np.cos(lat)[:, None] * np.cos(lat) * half_lon
    half_angle: NDArray[np.float64] = np.arcsin(np.sqrt(np.minimum(chord, 1.0)))
    return 2 * EARTH_RADIUS_KM * half_angle
