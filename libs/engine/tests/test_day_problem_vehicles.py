"""A day's vehicles that are away or expired, calls that are awaited, and travel by time of day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from atmr_engine.formats.day import (
    BookingRecord,
    Day,
    DayError,
    DutyRecord,
    Mobility,
    Place,
    Point,
)
from atmr_engine.plan import Plan, PlannedStop, Route, StopKind
from atmr_engine.problem import Capacity, Problem, ProblemError, TimeWindow, Travel

ZURICH = ZoneInfo("Europe/Zurich")
HOME, CLINIC = Point(46.20, 6.14), Point(46.22, 6.16)
THURSDAY = date(2026, 3, 12)
HOUR = 3600.0


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"{THURSDAY}T{clock}").replace(tzinfo=ZURICH)


BOOKING = BookingRecord(
    id="B1",
    mobility=Mobility.AMBULATORY,
    pickup=Place(point=HOME),
    dropoff=Place(point=CLINIC),
    pickup_from=at("08:00"),
)
DUTY = DutyRecord(
    id="D1",
    driver="Ann",
    vehicle="V1",
    capacity=Capacity(seats=4),
    shift_start=at("07:00"),
    shift_end=at("16:00"),
)
CALL = {"pickup_from": None, "will_call": True, "ready_forecast": at("14:00")}


def day_of(*, booking: dict[str, Any] | None = None, duty: dict[str, Any] | None = None) -> Day:
    return Day(
        date=THURSDAY,
        zone=ZURICH,
        bookings=(replace(BOOKING, **(booking or {})),),
        duties=(replace(DUTY, id="D0"), replace(DUTY, **(duty or {}))),
    )


def stated(day: Day, *slices_s: float) -> Problem:
    apart = np.array([[0.0, 1.0], [1.0, 0.0]])
    times = np.stack([seconds * apart for seconds in slices_s or (600.0,)])
    knots = HOUR * np.arange(float(len(times)))
    return day.problem(Travel(time_s=times, distance_km=apart, knots_s=knots))


@pytest.mark.parametrize(
    ("booking", "provisional"),
    [({}, False), (CALL, True), ({**CALL, "ready_known": True}, False)],
)
def test_a_call_is_awaited_until_the_patient_is_ready(
    booking: dict[str, Any], *, provisional: bool
) -> None:
    problem = stated(day_of(booking=booking))
    assert problem.requests[0].will_call is provisional


def test_a_stop_that_waits_for_a_call_says_so() -> None:
    def stop(kind: StopKind, *, provisional: bool) -> PlannedStop:
        return PlannedStop(
            kind=kind, place=0, arrival_s=0, begin_s=0, end_s=0, provisional=provisional
        )

    stops = (stop(StopKind.START, provisional=False), stop(StopKind.PICKUP, provisional=True))
    description = day_of().describe(Plan(routes=(Route(duty="D1", stops=stops),)))
    told = [line.as_json()["provisional"] for line in description.routes[0].stops]
    assert told == [False, True]


def test_a_vehicle_that_is_away_is_out_of_service_then() -> None:
    problem = stated(day_of(duty={"out_of_service": ((at("09:00"), at("10:30")),)}))
    assert problem.duties[0].out_of_service == ()
    assert problem.duties[1].out_of_service == (TimeWindow(9 * HOUR, 10.5 * HOUR),)
    with pytest.raises(DayError, match="out_of_service"):
        day_of(duty={"out_of_service": ((at("09:00"), datetime(2026, 3, 12, 10)),)})  # noqa: DTZ001 (what is refused)


def test_a_vehicle_whose_inspection_has_expired_is_refused_with_the_reason() -> None:
    assert len(stated(day_of(duty={"inspection_until": THURSDAY})).duties) == 2
    with pytest.raises(ProblemError, match=r"valid until 2026-03-11.*D1") as refusal:
        stated(day_of(duty={"inspection_until": date(2026, 3, 11)}))
    assert refusal.value.field == "duties[1].vehicle"
    night = {"shift_end": at("07:00").replace(day=13), "inspection_until": THURSDAY}
    with pytest.raises(ProblemError, match="valid until 2026-03-12"):
        stated(day_of(duty=night))


def test_the_ride_time_allows_for_the_slowest_hour() -> None:
    """Twice the direct way; the drop-off may begin after the quickest one."""
    appointment = {"pickup_to": at("08:30"), "appointment_at": at("12:00")}
    quick, slow = stated(day_of(), 1800.0), stated(day_of(), 1800.0, 2400.0)
    assert quick.requests[0].max_ride_s == 3600.0
    assert slow.requests[0].max_ride_s == 4800.0
    request = stated(day_of(booking=appointment), 1800.0, 2400.0).requests[0]
    assert request.dropoff.window.open_s == 8 * HOUR + 180 + 1800


def test_matrices_of_other_points_are_refused_in_slices_too() -> None:
    times = np.zeros((2, 3, 3))
    travel = Travel(time_s=times, distance_km=times[0], knots_s=np.array([0.0, 1.0]))
    with pytest.raises(ProblemError, match=r"\(2, 3, 3\) where the day has 2 points"):
        day_of().problem(travel)
