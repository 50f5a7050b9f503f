"""Generated days show the operator's published facts, and are the same for the same seed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from atmr_engine.formats.csv_day import read_day
from atmr_engine.formats.csv_writing import write_csv
from atmr_engine.formats.day import BookingRecord, Day, Direction, Mobility, Point
from atmr_engine.problem import DriverKind
from atmr_engine.simulate.calibration import Assumptions, OperatorFacts
from atmr_engine.simulate.demand import Demand, generate_day
from atmr_engine.simulate.geography import City, apart_km
from atmr_engine.simulate.random_streams import Purpose, stream

FACTS = OperatorFacts()
YEAR = [date(2025, 1, 1) + timedelta(days=number) for number in range(365)]
SEEDS = range(6)


def booked(record: BookingRecord) -> datetime:
    moment = record.appointment_at or record.pickup_from or record.ready_forecast
    assert moment is not None
    return moment


@dataclass
class Years:
    """What is counted over a year of days, for each seed."""

    days: list[Day] = field(default_factory=list)
    seen_once: list[float] = field(default_factory=list)
    top_tenth: list[float] = field(default_factory=list)

    @property
    def legs(self) -> list[BookingRecord]:
        return [leg for day in self.days for leg in day.bookings]

    def add(self, days: list[Day]) -> None:
        self.days += days
        journeys = [leg for day in days for leg in day.bookings if not leg.linked_booking_id]
        visits = Counter(leg.patient_ref for leg in journeys)
        rides = sorted(
            Counter(leg.patient_ref for day in days for leg in day.bookings).values(), reverse=True
        )
        self.seen_once.append(sum(count == 1 for count in visits.values()) / len(visits))
        self.top_tenth.append(sum(rides[: round(len(rides) / 10)]) / sum(rides))


@pytest.fixture(scope="module")
def years() -> Years:
    counted = Years()
    for seed in SEEDS:
        counted.add([generate_day(Demand(day=day), seed) for day in YEAR])
    return counted


def test_bookings_a_day(years: Years) -> None:
    """Weekdays 11 to 14, weekend 4; median 12 (of weekdays) and p95 19, within 1.5."""
    by_weekday: dict[int, list[int]] = {}
    for day in years.days:
        by_weekday.setdefault(day.date.weekday(), []).append(len(day.bookings))
    means = [float(np.mean(by_weekday[weekday])) for weekday in range(7)]
    assert all(10.5 <= mean <= 14.5 for mean in means[:5])
    assert means[5:] == pytest.approx([4.0, 4.0], abs=0.5)
    weekdays = [count for weekday in range(5) for count in by_weekday[weekday]]
    assert abs(float(np.median(weekdays)) - 12.0) <= 1.5
    assert abs(float(np.percentile(weekdays, 95)) - 19.0) <= 1.5


def test_round_trips(years: Years) -> None:
    """84 % of journeys, within 1.5 points."""
    returns = sum(1 for leg in years.legs if leg.linked_booking_id)
    journeys = len(years.legs) - returns
    assert returns / journeys == pytest.approx(FACTS.round_trip_share, abs=0.015)


def test_outbound_to_return(years: Years) -> None:
    """Median 280 minutes (p25 180, p75 405), within 25: booked times are mostly full hours."""
    minutes = []
    for day in years.days:
        by_id = {leg.id: leg for leg in day.bookings}
        for leg in day.bookings:
            if leg.linked_booking_id:
                stay = booked(leg) - booked(by_id[leg.linked_booking_id])
                minutes.append(stay.total_seconds() / 60)
    quartiles = np.percentile(minutes, [25, 50, 75])
    assert quartiles == pytest.approx(FACTS.stay_quartiles_min, abs=25)
    assert min(minutes) >= Assumptions().shortest_stay_min
    assert max(booked(leg).hour for leg in years.legs) <= 20


def test_peaks_on_the_hour(years: Years) -> None:
    """9, 13 and 16 h are the highest hours, 15 to 17 % each within 3 points, mostly on the hour."""
    times = [booked(leg) for leg in years.legs]
    hours = Counter(moment.hour for moment in times)
    assert {hour for hour, _ in hours.most_common(3)} == set(FACTS.peak_hours)
    for hour, share in zip(FACTS.peak_hours, (0.16, 0.17, 0.15), strict=True):
        assert hours[hour] / len(times) == pytest.approx(share, abs=0.03)
    peaks = [moment for moment in times if moment.hour in FACTS.peak_hours]
    assert sum(moment.minute == 0 for moment in peaks) / len(peaks) == pytest.approx(0.7, abs=0.1)


def test_trip_lengths(years: Years) -> None:
    """Straight line: median 2.4 km within 0.4, p95 9.7 km within 1.5."""
    lengths = [
        apart_km(leg.pickup.point, leg.dropoff.point)
        for leg in years.legs
        if leg.pickup.point and leg.dropoff.point
    ]
    median, p95 = np.percentile(lengths, [50, 95])
    assert median == pytest.approx(FACTS.trip_median_km, abs=0.4)
    assert p95 == pytest.approx(FACTS.trip_p95_km, abs=1.5)


def test_few_clients_make_most_rides(years: Years) -> None:
    """64 % of clients are seen once, the top tenth makes 69 % of rides: within 4 points."""
    assert float(np.mean(years.seen_once)) == pytest.approx(FACTS.seen_once_share, abs=0.04)
    assert float(np.mean(years.top_tenth)) == pytest.approx(FACTS.top_tenth_share, abs=0.04)


def test_standing_orders_keep_their_hour_and_place(years: Years) -> None:
    trips: dict[str, set[tuple[int, int, Point | None]]] = {}
    for leg in years.legs[: 365 * 10]:
        if leg.direction is Direction.ALLER and "-S-" in leg.patient_ref:
            moment = booked(leg)
            key = (moment.hour, moment.minute, leg.dropoff.point)
            trips.setdefault(leg.patient_ref, set()).add(key)
    assert max(len(kinds) for kinds in trips.values()) <= 2
    assert len(trips) > 10


def test_assumed_shares(years: Years) -> None:
    journeys = [leg for leg in years.legs if not leg.linked_booking_id]
    accompanied = sum(leg.companions for leg in journeys) / len(journeys)
    assert accompanied == pytest.approx(Assumptions().companion_share, abs=0.02)
    assert {leg.mobility for leg in journeys} == set(Mobility)
    returns = [leg for leg in years.legs if leg.direction is Direction.RETOUR]
    will_call = sum(leg.will_call for leg in returns) / len(returns)
    assert will_call == pytest.approx(Assumptions().will_call_share, abs=0.02)
    assert all(leg.ready_forecast for leg in returns if leg.will_call)


@pytest.mark.parametrize(("bookings", "duties"), [(0, 0), (1, 1), (120, 12), (333, 40)])
def test_counts_are_met_exactly(bookings: int, duties: int) -> None:
    day = generate_day(Demand(bookings=bookings, duties=duties), seed=1)
    assert (len(day.bookings), len(day.duties)) == (bookings, duties)


def test_duties_follow_the_demand_where_they_are_not_given() -> None:
    day = generate_day(Demand(scale=10.0), seed=1)
    assert len(day.duties) == round(len(day.bookings) / FACTS.rides_per_driver)
    assert 100 <= len(day.bookings) <= 180


def test_a_fleet_has_wheelchairs_stretchers_breaks_and_emergency_drivers() -> None:
    day = generate_day(Demand(bookings=0, duties=12))
    assert any(duty.capacity.wheelchairs for duty in day.duties)
    assert all(duty.crew == 2 for duty in day.duties if duty.capacity.stretchers)
    assert all(duty.breaks and duty.start == duty.end for duty in day.duties)
    assert [duty.driver_kind for duty in day.duties].count(DriverKind.EMERGENCY) == 1


def test_everything_says_that_it_is_synthetic() -> None:
    day = generate_day(Demand(bookings=20, duties=3))
    assert day.synthetic
    for booking in day.bookings:
        assert booking.id.startswith("SYNTHETIC-")
        assert booking.patient_ref.startswith("SYNTHETIC-")
    assert all(duty.id.startswith("SYNTHETIC-") for duty in day.duties)


def test_a_day_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    demand = Demand(bookings=40, duties=4)
    assert generate_day(demand, 3) == generate_day(demand, 3)
    assert generate_day(demand, 3).bookings != generate_day(demand, 4).bookings


def test_no_two_days_share_a_booking_id() -> None:
    one, next_day = (
        generate_day(Demand(bookings=40, day=date(2026, 3, day)), 3).bookings for day in (12, 13)
    )
    assert {booking.id for booking in one}.isdisjoint(booking.id for booking in next_day)


def test_more_duties_change_no_booking() -> None:
    few, many = (generate_day(Demand(bookings=40, duties=count), 3) for count in (2, 9))
    assert few.bookings == many.bookings
    assert few.duties == many.duties[:2]


@pytest.mark.parametrize("seed", range(5))
def test_a_generated_day_is_read_back_from_csv_the_same(seed: int) -> None:
    zone = ZoneInfo("Europe/Zurich")
    for day in (date(2026, 3, 29), date(2026, 10, 25), date(2026, 3, 12)):
        made = generate_day(Demand(bookings=60, duties=8, day=day, zone=zone), seed)
        files = write_csv(made)
        reading = read_day(files.bookings, files.duties, zone=zone)
        assert reading.errors == () == reading.warnings
        assert reading.day == made


@pytest.mark.parametrize(("lat", "lon"), [(60.17, 24.94), (-33.87, 151.2), (40.71, -74.0)])
def test_any_city_and_radius(lat: float, lon: float) -> None:
    city = City(centre=Point(lat, lon), radius_km=3.0)
    day = generate_day(Demand(bookings=100, duties=5, city=city), seed=2)
    assert max(apart_km(point, city.centre) for point in day.points()) <= 3.01


def test_wrong_demands_are_refused() -> None:
    with pytest.raises(ValueError, match="bookings must be between"):
        Demand(bookings=-1)
    with pytest.raises(ValueError, match="scale must be positive"):
        Demand(scale=0.0)
    with pytest.raises(ValueError, match="radius_km must be between"):
        City(radius_km=0.0)
    with pytest.raises(ValueError, match="keys must be 64-bit"):
        generate_day(Demand(bookings=1), seed=-1)


def test_streams_depend_on_their_key_alone() -> None:
    def first(*key: int) -> list[float]:
        return [float(x) for x in islice(iter(stream(1, Purpose.VISIT, *key).random(4)), 4)]

    assert first(5, 6) == first(5, 6)
    distinct = {tuple(first(subject, index)) for subject in range(10) for index in range(10)}
    assert len(distinct) == 100
    values = [value for key in distinct for value in key]
    assert float(np.mean(values)) == pytest.approx(0.5, abs=0.06)
