"""Addresses of a CSV day become points through a geocoder; what is not certain is an error.

Nothing coarser than a house is dispatched by itself, and nothing is guessed: a person corrects
the address, or gives coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from atmr_engine.formats.csv_day import RowError
from atmr_engine.formats.day import Point
from dispatch_api.geocoding.certainty import Doubt, doubt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atmr_engine.formats.csv_day import DayReading
    from atmr_engine.formats.day import Day, Place
    from dispatch_api.geocoding import GeocodeHit, Geocoder

EXACT_SCORE = 0.999
SHOWN_HITS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A day with the points that were found, the addresses that were not, and near misses."""

    day: Day
    errors: tuple[RowError, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Search:
    geocoder: Geocoder | None
    found: dict[str, Point] = field(default_factory=dict)
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def look_up(self, address: str, near: tuple[float, float] | None) -> None:
        """Put the address into `found`, or into `refused` with message and remedy."""
        if address in self.found or address in self.refused:
            return
        if self.geocoder is None:
            remedy = "give coordinates, or an index of addresses (--places)"
            self.refused[address] = ("has no coordinates", remedy)
            return
        hits = self.geocoder.search(address, limit=5, near=near)
        doubtful = doubt(hits)
        if doubtful:
            self.refused[address] = (f"{address!r} {_wording(doubtful, hits)}", _remedy(hits))
            return
        best = hits[0]
        self.found[address] = Point(best.lat, best.lon)
        if best.score < EXACT_SCORE:
            self.warnings.append(f"address {address!r} was read as {best.label!r}")


def locate(reading: DayReading, day: Day, geocoder: Geocoder | None) -> Location:
    """Find a point for every address of `day` that has none; `reading` knows the rows."""
    search = _Search(geocoder)
    known = day.points()
    near = known[0] if known else None
    errors: list[RowError] = []
    for row, column, place in _unlocated(reading):
        search.look_up(place.address, near)
        if place.address in search.refused:
            message, remedy = search.refused[place.address]
            file = reading.bookings.file
            errors.append(
                RowError(file=file, row=row, column=column, message=message, remedy=remedy)
            )
    return Location(
        day=day.with_points(search.found),
        errors=tuple(errors),
        warnings=tuple(search.warnings),
    )


def _unlocated(reading: DayReading) -> Iterator[tuple[int, str, Place]]:
    for row, booking in reading.bookings.rows.items():
        for column, place in (
            ("pickup_address", booking.pickup),
            ("dropoff_address", booking.dropoff),
        ):
            if place.point is None:
                yield row, column, place


def _wording(doubtful: Doubt, hits: list[GeocodeHit]) -> str:
    if doubtful is Doubt.COARSE:
        return f"is only known as a {hits[0].precision}, not to the house"
    return str(doubtful)


def _remedy(hits: list[GeocodeHit]) -> str:
    if not hits:
        return "correct it, or give coordinates"
    labels = ", ".join(repr(hit.label) for hit in hits[:SHOWN_HITS])
    return f"correct it or give coordinates; close by spelling: {labels}"
