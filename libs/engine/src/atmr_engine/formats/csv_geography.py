"""Coordinates that stand in each other's column, found by where the other points are."""

from __future__ import annotations

import math
import statistics
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from atmr_engine.formats.day_records import Point

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

EARTH_RADIUS_KM = 6371.0
REGION_KM = 300.0
"""Transports of one day lie within this distance of their median point."""
ZONE_KM = 2_500.0
"""Places of a time zone lie within this distance of the city that names it."""


def distance_km(one: Point, other: Point) -> float:
    """Great-circle distance in kilometres."""
    lat1, lon1, lat2, lon2 = map(math.radians, (*one, *other))
    chord = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(chord)))


def swapped(point: Point) -> Point:
    """Latitude and longitude exchanged."""
    return Point(point.lon, point.lat)


def middle(points: Sequence[Point]) -> Point | None:
    """The median point; None where two points or fewer tell nothing about the others."""
    if len(points) <= 2:  # noqa: PLR2004 (a majority needs three)
        return None
    return Point(
        statistics.median(point.lat for point in points),
        statistics.median(point.lon for point in points),
    )


def looks_swapped(point: Point, centre: Point | None, zone: tzinfo | None) -> bool:
    """Whether `point` is far from where it should be, and near once it is swapped.

    `centre` is the median of the file's points, the other reference is the zone's own city.
    """
    for reference, reach in ((centre, REGION_KM), (zone_city(str(zone)), ZONE_KM)):
        if reference is None or abs(point.lon) > 90:  # noqa: PLR2004 (no latitude is beyond the pole)
            continue
        if distance_km(point, reference) > reach >= distance_km(swapped(point), reference):
            return True
    return False


@cache
def zone_city(name: str) -> Point | None:
    """Where the city of an IANA zone lies, from the `zone.tab` of the time zone database."""
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8").splitlines():
        cells = line.split("\t")
        if not line.startswith("#") and cells[2] == name:
            split = max(cells[1].rfind("+"), cells[1].rfind("-"))
            return Point(_degrees(cells[1][:split], 2), _degrees(cells[1][split:], 3))
    return None


def _degrees(text: str, digits: int) -> float:
    """Degrees from ISO 6709's ±DDMM[SS], with `digits` for the degrees."""
    sign, number = (-1 if text[0] == "-" else 1), text[1:]
    minutes, seconds = number[digits : digits + 2], number[digits + 2 :] or "0"
    return sign * (int(number[:digits]) + int(minutes) / 60 + int(seconds) / 3600)
