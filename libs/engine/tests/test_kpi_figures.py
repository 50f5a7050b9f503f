"""Key figures of a plan worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from atmr_engine.kpi import Kpis, measure
from atmr_engine.plan import Plan, PlannedStop, Route, StopKind
from atmr_engine.problem import (
    Capacity,
    DriverKind,
    Duty,
    Problem,
    Request,
    TimeWindow,
    Travel,
    Visit,
)

MINUTE = 60.0
DEPOT, HOME, CLINIC = 0, 1, 2


def request(identifier: str, appointment_min: float, pickup_min: float = 0.0) -> Request:
    return Request(
        id=identifier,
        pickup=Visit(place=HOME, window=TimeWindow(pickup_min * MINUTE, 60 * MINUTE), service_s=60),
        dropoff=Visit(place=CLINIC, window=TimeWindow(0.0, appointment_min * MINUTE)),
    )


def duty(identifier: str, kind: DriverKind = DriverKind.REGULAR) -> Duty:
    return Duty(
        id=identifier,
        capacity=Capacity(seats=4),
        shift=TimeWindow(0.0, 120 * MINUTE),
        start_place=DEPOT,
        end_place=DEPOT,
        driver_kind=kind,
    )


def stop(
    kind: StopKind, place: int, begin_min: float, request_id: str | None = None
) -> PlannedStop:
    at = begin_min * MINUTE
    end = at + (60.0 if kind is StopKind.PICKUP else 0.0)
    return PlannedStop(
        kind=kind, place=place, arrival_s=at, begin_s=at, end_s=end, request=request_id
    )


# depot -10 min, 6 km- home -20 min, 12 km- clinic -10 min, 5 km- depot
TIMES = np.array([[0.0, 10, 10], [10, 0, 20], [10, 20, 0]]) * MINUTE
KILOMETRES = np.array([[0.0, 6, 5], [6, 0, 12], [5, 12, 0]])


def problem(*requests: Request) -> Problem:
    return Problem(
        requests=requests,
        duties=(duty("D1"), duty("D2"), duty("E1", DriverKind.EMERGENCY)),
        travel=Travel(time_s=TIMES, distance_km=KILOMETRES),
    )


def plan(dropoff_min: float = 31.0, end_min: float = 45.0) -> Plan:
    stops = (
        stop(StopKind.START, DEPOT, 0),
        stop(StopKind.PICKUP, HOME, 10, "R1"),
        stop(StopKind.DROPOFF, CLINIC, dropoff_min, "R1"),
        stop(StopKind.END, DEPOT, end_min),
    )
    return Plan(routes=(Route(duty="D1", stops=stops),))


def figures(appointment_min: float = 40.0, **times: float) -> Kpis:
    return measure(problem(request("R1", appointment_min), request("R2", 90.0)), plan(**times))


def test_figures_of_one_trip() -> None:
    kpis = figures()
    assert (kpis.requests, kpis.served, kpis.duties_used) == (2, 1, 1)
    assert (kpis.loaded_km, kpis.empty_km) == (12.0, 11.0)
    assert (kpis.ride_min, kpis.direct_min, kpis.ride_over_direct) == (20.0, 20.0, 1.0)
    assert (kpis.working_min, kpis.overtime_min) == (45.0, 0.0)
    assert (kpis.working_spread_min, kpis.working_deviation_min) == (45.0, 22.5)
    assert (kpis.trip_gap, kpis.emergency_duties_used) == (1, 0)
    assert (kpis.lateness_min, kpis.worst_lateness_min) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("dropoff_min", "on_time"), [(40, 1), (40.1, 0), (31, 1), (70.0, 0)], ids=str
)
def test_an_appointment_is_kept_0_to_30_minutes_before_it(dropoff_min: float, on_time: int) -> None:
    kpis = figures(dropoff_min=dropoff_min, end_min=100.0)
    assert (kpis.appointments, kpis.appointments_on_time) == (1, on_time)


@pytest.mark.parametrize(("appointment_min", "on_time"), [(61.0, 1), (61.1, 0)])
def test_too_early_is_a_miss_too(appointment_min: float, on_time: int) -> None:
    assert figures(appointment_min).appointments_on_time == on_time


def test_lateness_ride_and_overtime_of_a_late_day() -> None:
    kpis = figures(dropoff_min=50.0, end_min=130.0)
    assert (kpis.lateness_min, kpis.worst_lateness_min, kpis.overtime_min) == (10.0, 10.0, 10.0)
    assert kpis.ride_over_direct == pytest.approx(39 / 20)


@pytest.mark.parametrize(("told_min", "on_time"), [(10, 1), (15, 1), (5, 1), (15.1, 0), (4.9, 0)])
def test_a_pickup_is_on_time_within_five_minutes_of_the_promise(
    told_min: float, on_time: int
) -> None:
    kpis = measure(problem(request("R1", 40.0)), plan(), {"R1": told_min * MINUTE})
    assert kpis.pickups_on_time == on_time


@pytest.mark.parametrize(("opens_min", "on_time"), [(10, 1), (10.1, 0)])
def test_a_pickup_without_a_promise_is_held_against_its_window(
    opens_min: float, on_time: int
) -> None:
    late = replace(request("R1", 40.0), pickup=Visit(place=HOME, window=TimeWindow(opens_min * 60)))
    assert measure(problem(late), plan()).pickups_on_time == on_time


def test_an_empty_day_has_no_ratio_and_no_spread() -> None:
    empty = Problem(requests=(), duties=(), travel=Travel(time_s=TIMES, distance_km=KILOMETRES))
    kpis = measure(empty, Plan(routes=()))
    assert kpis.ride_over_direct is None
    assert (kpis.served, kpis.working_spread_min, kpis.trip_gap) == (0, 0.0, 0)
    assert kpis.as_json()["ride_over_direct"] is None


def test_an_emergency_driver_counts_apart_from_the_spread() -> None:
    [route] = plan().routes
    kpis = measure(problem(request("R1", 40.0)), Plan(routes=(replace(route, duty="E1"),)))
    assert (kpis.emergency_duties_used, kpis.working_spread_min, kpis.trip_gap) == (1, 0.0, 0)
