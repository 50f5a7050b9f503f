"""Plane geometry of small things on the map: the middle of an outline, metres between points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

METRES_PER_DEGREE: Final = 111_195.0
"""Of latitude, on a sphere of the mean earth radius 6,371 km."""

NO_AREA: Final = 1e-14
"""Square degrees: less than a square decimetre, so a line or a point."""

Point = tuple[float, float]
"""(lat, lon) in WGS84 degrees."""


def centroid(points: Sequence[Point]) -> Point:
    """Centroid of a closed outline (shoelace formula); else the mean of its points.

    Degrees are taken as plane, which is exact enough for the size of a building.
    """
    lat0, lon0 = points[0]
    local = [(lat - lat0, lon - lon0) for lat, lon in points]
    doubled_area = lat_sum = lon_sum = 0.0
    for (lat_a, lon_a), (lat_b, lon_b) in zip(local, local[1:] + local[:1], strict=True):
        cross = lat_a * lon_b - lat_b * lon_a
        doubled_area += cross
        lat_sum += (lat_a + lat_b) * cross
        lon_sum += (lon_a + lon_b) * cross
    if abs(doubled_area) < NO_AREA:
        distinct = list(dict.fromkeys(points))
        return (
            sum(lat for lat, _ in distinct) / len(distinct),
            sum(lon for _, lon in distinct) / len(distinct),
        )
    return lat0 + lat_sum / (3 * doubled_area), lon0 + lon_sum / (3 * doubled_area)


def distance_m(one: Point, other: Point) -> float:
    """Metres between two points, on a plane that fits them: exact to 1 % within 100 km."""
    mean_lat = math.radians((one[0] + other[0]) / 2)
    north = (other[0] - one[0]) * METRES_PER_DEGREE
    east = (other[1] - one[1]) * METRES_PER_DEGREE * math.cos(mean_lat)
    return math.hypot(north, east)


def extent_m(points: Sequence[Point]) -> float:
    """Diagonal of the frame around the points, in metres."""
    lats = [lat for lat, _ in points]
    lons = [lon for _, lon in points]
    return distance_m((min(lats), min(lons)), (max(lats), max(lons)))
