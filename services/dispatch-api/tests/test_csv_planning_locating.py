"""Addresses of a CSV day: taken only where the geocoder is certain, to the house."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from atmr_engine.formats.csv_day import DayReading, read_day
from atmr_engine.formats.day import Day, Point
from dispatch_api.csv_planning.locating import Location, locate
from dispatch_api.geocoding import GeocodeHit, Precision

TEXT = """booking_id,mobility,pickup_address,dropoff_address,dropoff_lat,dropoff_lon,pickup_from
B1,ambulatory,Rue A 1,Hospital,46.22,6.16,2026-03-12T08:30
B2,ambulatory,Rue A 1,Rue B 2,,,2026-03-12T09:30
"""
DUTIES = "duty_id,driver,vehicle,seats,shift_start,shift_end\n"


@dataclass
class FakeGeocoder:
    hits: dict[str, list[GeocodeHit]]
    asked: list[str] = field(default_factory=list)

    def search(
        self, text: str, limit: int = 5, near: tuple[float, float] | None = None
    ) -> list[GeocodeHit]:
        assert (limit, near) == (5, Point(46.22, 6.16))
        self.asked.append(text)
        return self.hits.get(text, [])


def hit(
    label: str = "Rue A 1, Genève",
    lat: float = 46.2,
    score: float = 1.0,
    precision: Precision = Precision.HOUSE,
) -> GeocodeHit:
    return GeocodeHit(
        label=label,
        street="Rue A",
        house_number="1",
        postcode="",
        city="Genève",
        lat=lat,
        lon=6.1,
        precision=precision,
        score=score,
        source="test",
    )


def reading() -> tuple[DayReading, Day]:
    found = read_day(TEXT, DUTIES, zone="Europe/Zurich")
    assert found.day is not None
    return found, found.day


def located(**hits: list[GeocodeHit]) -> tuple[Location, FakeGeocoder]:
    geocoder = FakeGeocoder({"Rue A 1": [hit()], "Rue B 2": [hit()], **hits})
    return locate(*reading(), geocoder), geocoder


def test_each_address_is_asked_once_and_given_coordinates_are_kept() -> None:
    location, geocoder = located()
    assert location.errors == () == location.warnings
    assert geocoder.asked == ["Rue A 1", "Rue B 2"]
    assert [booking.pickup.point for booking in location.day.bookings] == [Point(46.2, 6.1)] * 2
    assert location.day.bookings[0].dropoff.point == Point(46.22, 6.16)
    assert location.day.held() == []


@pytest.mark.parametrize(
    ("hits", "message"),
    [
        ([], "'Rue B 2' was not found — correct it, or give coordinates"),
        ([hit(score=0.7)], "was not found with certainty — correct it or give coordinates; close"),
        ([hit(precision=Precision.STREET)], "is only known as a street, not to the house"),
        ([hit(), hit(lat=46.3)], "'Rue B 2' is in several places"),
    ],
)
def test_an_uncertain_address_is_an_error_of_its_row(hits: list[GeocodeHit], message: str) -> None:
    location, _ = located(**{"Rue B 2": hits})
    [error] = location.errors
    assert (error.file, error.row, error.column) == ("bookings.csv", 3, "dropoff_address")
    assert message in str(error)
    assert [held.booking.id for held in location.day.held()] == ["B2"]


def test_a_near_miss_is_taken_with_a_warning() -> None:
    location, _ = located(**{"Rue B 2": [hit("Rue Bé 2", score=0.93), hit(score=0.89, lat=46.3)]})
    assert location.errors == ()
    assert location.warnings == ("address 'Rue B 2' was read as 'Rue Bé 2'",)


def test_two_doors_of_one_house_are_no_doubt() -> None:
    location, _ = located(**{"Rue B 2": [hit(), hit(lat=46.2001)]})
    assert location.errors == ()


def test_without_a_geocoder_every_row_is_named() -> None:
    location = locate(*reading(), None)
    assert [(error.row, error.column) for error in location.errors] == [
        (2, "pickup_address"),
        (3, "pickup_address"),
        (3, "dropoff_address"),
    ]
