"""Made-up care sites and homes around a city, at the distances that the operator drives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from atmr_engine.formats.day_records import Place, Point
from atmr_engine.simulate.random_streams import Purpose, stream

if TYPE_CHECKING:
    import numpy as np

    from atmr_engine.simulate.calibration import OperatorFacts

GENEVA = Point(46.2044, 6.1432)
KM_PER_DEGREE = 111.195
"""Of latitude, on a sphere of 6,371 km."""
P95_SIGMAS = 1.6449
TRIES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """Where days take place: everything lies within `radius_km` of `centre`.

    Points are random: some will be in a lake or a park, where a road router snaps them away.
    """

    centre: Point = GENEVA
    radius_km: float = 25.0

    def __post_init__(self) -> None:
        if not 0.1 <= self.radius_km <= 500.0:  # noqa: PLR2004 (a quarter to a country)
            raise ValueError(f"radius_km must be between 0.1 and 500, not {self.radius_km}")
        if not (abs(self.centre.lat) <= 80.0 and abs(self.centre.lon) <= 180.0):  # noqa: PLR2004 (degrees)
            raise ValueError(f"the centre {self.centre} is no place with roads")

    def site(self, seed: int, number: int) -> Place:
        """The care site of that number: likelier near the centre than far."""
        random = stream(seed, Purpose.CARE_SITE, number)
        distance = 0.4 * self.radius_km * float(random.random()) ** 1.5
        point = displaced(self.centre, distance, math.tau * float(random.random()))
        return Place(address=f"Synthetic clinic {number + 1}", point=point)

    def home(self, random: np.random.Generator, site: Place, facts: OperatorFacts) -> Point:
        """A home at a lognormal distance from the care site, within the city."""
        sigma = math.log(facts.trip_p95_km / facts.trip_median_km) / P95_SIGMAS
        origin = site.point or self.centre
        for _ in range(TRIES):
            distance = facts.trip_median_km * math.exp(sigma * float(random.standard_normal()))
            home = displaced(origin, distance, math.tau * float(random.random()))
            if apart_km(home, self.centre) <= self.radius_km:
                return home
        return displaced(self.centre, self.radius_km * float(random.random()), 0.0)


def displaced(point: Point, distance_km: float, bearing: float) -> Point:
    """The point that far away in that direction (radians from north), to five decimals (1 m)."""
    north, east = distance_km * math.cos(bearing), distance_km * math.sin(bearing)
    lat = point.lat + north / KM_PER_DEGREE
    lon = point.lon + east / (KM_PER_DEGREE * math.cos(math.radians(point.lat)))
    return Point(round(lat, 5), round((lon + 180.0) % 360.0 - 180.0, 5))


def apart_km(one: Point, other: Point) -> float:
    """Straight-line distance over a city (equirectangular)."""
    north = (one.lat - other.lat) * KM_PER_DEGREE
    east = (one.lon - other.lon) * KM_PER_DEGREE * math.cos(math.radians(other.lat))
    return math.hypot(north, east)
