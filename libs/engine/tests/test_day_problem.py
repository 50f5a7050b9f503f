"""A day in domain words becomes the right Problem, on days with a change of the clocks too."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atmr_engine.formats.day import (
    BookingRecord,
    BreakRecord,
    Day,
    DayError,
    DayRules,
    Direction,
    DutyRecord,
    Mobility,
    Place,
    Point,
)
from atmr_engine.problem import (
    Capacity,
    Link,
    Load,
    Problem,
    ProblemError,
    SameDriver,
    TimeWindow,
    Travel,
)

ZURICH = ZoneInfo("Europe/Zurich")
HOME, CLINIC, DEPOT = Point(46.20, 6.14), Point(46.22, 6.16), Point(46.19, 6.10)
THURSDAY = date(2026, 3, 12)
DIRECT_S = 600.0


def at(clock: str, day: date = THURSDAY) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZURICH)


def booking(identifier: str = "B1", **changes: object) -> BookingRecord:
    plain = BookingRecord(
        id=identifier,
        mobility=Mobility.AMBULATORY,
        pickup=Place(point=HOME),
        dropoff=Place(point=CLINIC),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # a test names fields freely


def duty(**changes: object) -> DutyRecord:
    plain = DutyRecord(
        id="D1",
        driver="Ann",
        vehicle="V1",
        capacity=Capacity(seats=4),
        shift_start=at("07:00"),
        shift_end=at("16:00"),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # a test names fields freely


def travel_for(day: Day, direct_s: float = DIRECT_S) -> Travel:
    size = len(day.points())
    times = np.full((size, size), direct_s)
    np.fill_diagonal(times, 0.0)
    return Travel(time_s=times, distance_km=times / 60.0)


def stated(*bookings: BookingRecord, rules: DayRules | None = None) -> Problem:
    day = Day(date=THURSDAY, zone=ZURICH, bookings=bookings)
    return day.problem(travel_for(day), rules)


def hours(value: float) -> float:
    return value * 3600.0


@pytest.mark.parametrize(
    ("given_times", "window"),
    [
        ({"pickup_from": "08:00"}, (8.0, 8.5)),
        ({"pickup_to": "08:00"}, (7.5, 8.0)),
        ({"pickup_from": "08:00", "pickup_to": "09:15"}, (8.0, 9.25)),
        ({"pickup_from": "08:00", "appointment_at": "10:00"}, (8.0, 10.0)),
    ],
)
def test_pickup_window_follows_what_is_given(
    given_times: dict[str, str], window: tuple[float, float]
) -> None:
    changes: dict[str, object] = {name: at(clock) for name, clock in given_times.items()}
    record = booking("B1", **changes)
    opens, closes = window
    assert stated(record).requests[0].pickup.window == TimeWindow(hours(opens), hours(closes))


def test_appointment_alone_leaves_the_pickup_as_early_as_the_ride_time_allows() -> None:
    request = stated(booking(appointment_at=at("09:00"))).requests[0]
    assert request.dropoff.window == TimeWindow(hours(8.5), hours(9))
    assert request.max_ride_s == 45 * 60
    assert request.pickup.window == TimeWindow(hours(8.5) - 45 * 60 - 3 * 60, hours(9))


def test_pickup_window_that_is_too_early_for_the_early_limit_wins() -> None:
    request = stated(
        booking(pickup_from=at("07:00"), pickup_to=at("07:15"), appointment_at=at("09:00"))
    ).requests[0]
    assert request.dropoff.window == TimeWindow(hours(7) + 180 + DIRECT_S, hours(9))


def test_will_call_uses_its_forecast_and_is_held_without_one() -> None:
    known = booking("B1", will_call=True, ready_forecast=at("14:00"))
    unknown = booking("B2", will_call=True)
    day = Day(date=THURSDAY, zone=ZURICH, bookings=(known, unknown))
    problem = day.problem(travel_for(day))
    assert [request.id for request in problem.requests] == ["B1"]
    assert problem.requests[0].pickup.window == TimeWindow(hours(14), hours(14.5))
    assert [(held.booking.id, "ready time" in held.reason) for held in day.held()] == [("B2", True)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pickup": Place(address="Rue A 1"), "pickup_from": at("08:00")}, "geocode"),
        ({}, "no time at either end"),
        ({"pickup_from": at("09:00"), "pickup_to": at("08:00")}, "closes before it opens"),
        ({"pickup_from": at("09:00"), "appointment_at": at("08:00")}, "before the pickup"),
    ],
)
def test_a_booking_that_cannot_be_planned_is_held_and_spoils_no_other(
    changes: dict[str, object], reason: str
) -> None:
    day = Day(
        date=THURSDAY,
        zone=ZURICH,
        bookings=(booking("bad", **changes), booking("good", pickup_from=at("08:00"))),
    )
    assert [request.id for request in day.problem(travel_for(day)).requests] == ["good"]
    [held] = day.held()
    assert reason in held.reason


@pytest.mark.parametrize(
    ("mobility", "load", "crew", "service_min"),
    [
        (Mobility.AMBULATORY, Load(seats=3), 1, 3),
        (Mobility.WHEELCHAIR, Load(seats=2, wheelchairs=1), 1, 6),
        (Mobility.STRETCHER, Load(seats=2, stretchers=1), 2, 12),
    ],
)
def test_mobility_decides_load_crew_and_service(
    mobility: Mobility, load: Load, crew: int, service_min: float
) -> None:
    request = stated(booking(mobility=mobility, companions=2, pickup_from=at("08:00"))).requests[0]
    assert (request.load, request.crew) == (load, crew)
    assert (request.pickup.service_s, request.dropoff.service_s) == (60 * service_min,) * 2


def test_what_the_record_says_wins_over_the_rules() -> None:
    request = stated(
        booking(
            mobility=Mobility.STRETCHER,
            pickup_from=at("08:00"),
            crew_needed=1,
            service_pickup_min=1,
            service_dropoff_min=2,
            max_ride_min=20,
            ride_alone=True,
            share_group="flu",
            equipment=frozenset({"oxygen"}),
            skills=frozenset({"nurse"}),
            priority=3,
            cleaning_min=4,
        )
    ).requests[0]
    assert (request.crew, request.pickup.service_s, request.dropoff.service_s) == (1, 60, 120)
    assert (request.max_ride_s, request.cleaning_s, request.priority) == (1200, 240, 3)
    assert (request.ride_alone, request.share_group) == (True, "flu")
    assert request.equipment | request.skills == {"oxygen", "nurse"}


def test_ride_limit_grows_with_the_direct_time() -> None:
    day = Day(date=THURSDAY, zone=ZURICH, bookings=(booking(pickup_from=at("08:00")),))
    far = day.problem(travel_for(day, direct_s=hours(1))).requests[0]
    assert far.max_ride_s == hours(2)
    assert math.isinf(day.problem(travel_for(day, direct_s=math.inf)).requests[0].max_ride_s)


def test_an_unreachable_place_before_midnight_is_still_a_problem_that_can_be_stated() -> None:
    record = booking(appointment_at=at("00:00") - timedelta(hours=1))
    day = Day(date=THURSDAY, zone=ZURICH, bookings=(record,))
    [request] = day.problem(travel_for(day, direct_s=math.inf)).requests
    assert request.pickup.window == TimeWindow(hours(-1), hours(-1))


def test_a_return_is_linked_to_its_outbound_leg() -> None:
    there = booking("B1", appointment_at=at("09:00"))
    back = booking(
        "B2", direction=Direction.RETOUR, linked_booking_id="B1", pickup_from=at("12:00")
    )
    rules = DayRules(stay_min=20, same_driver=SameDriver.PREFER)
    links = [request.link for request in stated(there, back, rules=rules).requests]
    assert links == [None, Link(after="B1", stay_s=1200, same_driver=SameDriver.PREFER)]
    required = replace(back, same_driver=SameDriver.REQUIRE)
    assert stated(there, required).requests[1].link == Link(
        after="B1", stay_s=600, same_driver=SameDriver.REQUIRE
    )


def test_a_link_to_a_held_booking_is_left_out() -> None:
    there = booking("B1", will_call=True)
    back = booking(
        "B2", direction=Direction.RETOUR, linked_booking_id="B1", pickup_from=at("12:00")
    )
    assert stated(there, back).requests[0].link is None


@pytest.mark.parametrize(
    ("day", "real_hours"), [(date(2026, 3, 29), 7.0), (THURSDAY, 8.0), (date(2026, 10, 25), 9.0)]
)
def test_seconds_are_real_elapsed_seconds_when_the_clocks_change(
    day: date, real_hours: float
) -> None:
    record = booking(pickup_from=at("08:00", day))
    problem_day = Day(date=day, zone=ZURICH, bookings=(record,))
    window = problem_day.problem(travel_for(problem_day)).requests[0].pickup.window
    assert window.open_s == hours(real_hours)
    shown = problem_day.moment(window.open_s)
    assert f"{shown:%H:%M}" == "08:00"


@given(
    day=st.dates(date(2025, 1, 1), date(2027, 12, 31)),
    minutes=st.integers(-600, 2400),
    zone=st.sampled_from(["Europe/Zurich", "America/New_York", "Asia/Beirut", "UTC"]),
)
def test_moment_and_seconds_are_inverse(day: date, minutes: int, zone: str) -> None:
    problem_day = Day(date=day, zone=ZoneInfo(zone))
    moment = problem_day.moment(minutes * 60.0)
    assert problem_day.seconds(moment) == minutes * 60.0


def test_duty_in_seconds_places_and_breaks() -> None:
    record = duty(
        start=DEPOT,
        end=HOME,
        equipment=frozenset({"oxygen"}),
        crew=2,
        breaks=(BreakRecord(minutes=30, earliest=at("11:00"), latest=at("13:00")),),
    )
    day = Day(
        date=THURSDAY, zone=ZURICH, bookings=(booking(pickup_from=at("08:00")),), duties=(record,)
    )
    assert day.points() == [HOME, CLINIC, DEPOT]
    stated_duty = day.problem(travel_for(day)).duties[0]
    assert (stated_duty.start_place, stated_duty.end_place) == (2, 0)
    assert stated_duty.shift == TimeWindow(hours(7), hours(16))
    assert stated_duty.breaks[0].duration_s == 1800
    assert stated_duty.breaks[0].window == TimeWindow(hours(11), hours(12.5))
    assert (stated_duty.driver, stated_duty.vehicle, stated_duty.crew) == ("Ann", "V1", 2)


@given(shift_min=st.integers(30, 900), break_min=st.integers(1, 30))
def test_a_break_without_a_window_lies_within_the_shift(shift_min: int, break_min: int) -> None:
    end = at("07:00") + timedelta(minutes=shift_min)
    record = duty(shift_end=end, breaks=(BreakRecord(minutes=break_min),))
    day = Day(date=THURSDAY, zone=ZURICH, duties=(record,))
    stated_duty = day.problem(travel_for(day)).duties[0]
    [pause] = stated_duty.breaks
    assert pause.window.open_s >= stated_duty.shift.open_s
    assert pause.window.close_s + pause.duration_s <= stated_duty.shift.close_s + 1e-6


def test_a_break_without_a_window_keeps_away_from_the_ends_of_a_long_shift() -> None:
    day = Day(date=THURSDAY, zone=ZURICH, duties=(duty(breaks=(BreakRecord(minutes=30),)),))
    [pause] = day.problem(travel_for(day)).duties[0].breaks
    assert pause.window == TimeWindow(hours(9), hours(13.5))
    short = duty(shift_end=at("09:30"), breaks=(BreakRecord(minutes=30),))
    day = Day(date=THURSDAY, zone=ZURICH, duties=(short,))
    [pause] = day.problem(travel_for(day)).duties[0].breaks
    assert pause.window == TimeWindow(hours(7.5), hours(8.5))


def test_without_an_appointment_the_dropoff_only_follows_the_pickup() -> None:
    request = stated(booking(pickup_from=at("08:00"))).requests[0]
    assert request.dropoff.window == TimeWindow(hours(8))


def test_matrices_of_other_points_are_refused() -> None:
    day = Day(date=THURSDAY, zone=ZURICH, bookings=(booking(pickup_from=at("08:00")),))
    with pytest.raises(ProblemError, match=r"travel.time_s.*day.points"):
        day.problem(travel_for(Day(date=THURSDAY, zone=ZURICH)))


def test_naive_moments_are_refused() -> None:
    with pytest.raises(DayError, match=r"B1, pickup_from: .* has no time zone"):
        booking(pickup_from=datetime(2026, 3, 12, 8))  # noqa: DTZ001 (this is the case)


def test_points_can_be_put_on_addresses() -> None:
    record = booking(
        pickup=Place(address="Rue A 1"), dropoff=Place(address="Rue A 1", point=CLINIC)
    )
    day = Day(date=THURSDAY, zone=ZURICH, bookings=(record,)).with_points({"Rue A 1": HOME})
    assert day.bookings[0].pickup.point == HOME
    assert day.bookings[0].dropoff.point == CLINIC


@pytest.mark.parametrize("changes", [{"stay_min": -1.0}, {"max_ride_over_direct": 0.5}])
def test_rules_refuse_what_makes_no_sense(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        DayRules(**changes)  # type: ignore[arg-type]  # only durations are given


times = st.one_of(st.none(), st.integers(0, 24 * 60 - 1))


@given(
    start=times,
    end=times,
    appointment=times,
    ready=times,
    will_call=st.booleans(),
    max_ride=st.one_of(st.none(), st.integers(1, 300)),
    direct_s=st.one_of(st.floats(0, 2e4), st.just(math.inf)),
)
def test_any_combination_of_times_is_planned_or_held(
    start: int | None,
    end: int | None,
    appointment: int | None,
    ready: int | None,
    will_call: bool,  # noqa: FBT001 (drawn)
    max_ride: int | None,
    direct_s: float,
) -> None:
    def moment(minutes: int | None) -> datetime | None:
        return None if minutes is None else at("00:00") + timedelta(minutes=minutes)

    record = booking(
        pickup_from=moment(start),
        pickup_to=moment(end),
        appointment_at=moment(appointment),
        ready_forecast=moment(ready),
        will_call=will_call,
        max_ride_min=max_ride,
    )
    day = Day(date=THURSDAY, zone=ZURICH, bookings=(record,))
    problem = day.problem(travel_for(day, direct_s))
    assert len(problem.requests) + len(day.held()) == 1
