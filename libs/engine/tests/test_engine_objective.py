"""The objective on a plan whose every term was computed by hand."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest

from atmr_engine.objective import Weights, evaluate, route_cost
from atmr_engine.plan import Plan, PlannedStop, Route, StopKind
from atmr_engine.problem import (
    Capacity,
    DriverKind,
    Duty,
    Link,
    Problem,
    Request,
    SameDriver,
    TimeWindow,
    Travel,
    Visit,
)

APART = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0)))
NONE = Weights(**{item.name: 0.0 for item in fields(Weights)})
# Every weight its own power of ten, so that no two terms can make up for each other.
TELLING = Weights(**{item.name: 10.0**power for power, item in enumerate(fields(Weights))})


def request(name: str, link: Link | None = None, priority: int = 0) -> Request:
    return Request(
        id=name,
        pickup=Visit(place=1, window=TimeWindow(0, 120), service_s=60),
        dropoff=Visit(place=3),
        link=link,
        priority=priority,
    )


def duty(name: str, driver: str = "", kind: DriverKind = DriverKind.REGULAR) -> Duty:
    return Duty(
        id=name,
        driver=driver,
        driver_kind=kind,
        capacity=Capacity(seats=3),
        shift=TimeWindow(0, 900),
        start_place=0,
        end_place=0,
    )


def stop(kind: StopKind, place: int, arrival: float, begin: float, end: float) -> PlannedStop:
    return PlannedStop(kind=kind, place=place, arrival_s=arrival, begin_s=begin, end_s=end)


def served(name: str, on: str) -> Route:
    """Leaves at 60, waits 2 minutes, is 3 late, rides 5 for 2, pauses 1, is back 5 late."""
    stops = (
        stop(StopKind.START, 0, 60, 60, 60),
        replace(stop(StopKind.PICKUP, 1, 180, 300, 360), request=name),
        replace(stop(StopKind.DROPOFF, 3, 660, 660, 660), request=name),
        stop(StopKind.BREAK, 3, 660, 660, 720),
        stop(StopKind.END, 0, 1200, 1200, 1200),
    )
    return Route(duty=on, stops=stops)


def problem(*requests: Request, weights: Weights = NONE, second: Duty | None = None) -> Problem:
    return Problem(
        requests=requests,
        duties=(duty("A", "Ana"), second or duty("B", "Ben", DriverKind.EMERGENCY)),
        travel=Travel(time_s=60.0 * APART, distance_km=APART),
        weights=weights,
    )


def test_every_term_has_its_unit_and_its_weight() -> None:
    requests = (request("x"), request("y", priority=3), request("z"))
    day = problem(*requests, weights=TELLING)
    cost = evaluate(day, Plan(routes=(served("x", "B"),)))
    assert cost.unserved == 2
    assert cost.unserved_priority == 3
    assert cost.lateness_min == pytest.approx(3.0)
    assert cost.overtime_min == pytest.approx(5.0)
    assert cost.detour_min == pytest.approx(3.0)
    assert cost.distance_km == pytest.approx(6.0)
    assert cost.waiting_min == pytest.approx(2.0)
    assert cost.working_min == pytest.approx(19.0)
    assert cost.duties_used == 1
    assert cost.emergency_duties == 1
    assert cost.driver_changes == 0
    by_hand = 2 + 3e1 + 3e2 + 5e3 + 3e4 + 6e5 + 2e6 + 19e7 + 1e8 + 1e9
    assert cost.total == pytest.approx(by_hand)


def test_the_total_is_the_sum_of_the_routes_and_what_is_left_out() -> None:
    day = problem(request("x"), request("y"), request("z"), weights=Weights())
    routes = (served("x", "A"), served("y", "B"))
    parts = sum(route_cost(day, route).total for route in routes)
    total = evaluate(day, Plan(routes=routes)).total
    assert total == pytest.approx(parts + Weights().unserved)


@pytest.mark.parametrize(
    ("wish", "second", "changes"),
    [
        (SameDriver.PREFER, duty("B", "Ben"), 1),
        (SameDriver.PREFER, duty("B", "Ana"), 0),
        (SameDriver.PREFER, duty("B"), 1),
        (SameDriver.FREE, duty("B", "Ben"), 0),
    ],
)
def test_a_preferred_driver_is_missed_once(wish: SameDriver, second: Duty, changes: int) -> None:
    back = request("y", Link(after="x", same_driver=wish))
    day = problem(request("x"), back, weights=replace(NONE, driver_changes=7.0), second=second)
    plan = Plan(routes=(served("x", "A"), served("y", "B")))
    assert evaluate(day, plan).driver_changes == changes
    assert evaluate(day, plan).total == pytest.approx(7.0 * changes)
    assert evaluate(day, Plan(routes=plan.routes[1:])).driver_changes == 0


def test_a_place_that_a_duty_has_not_is_at_no_distance() -> None:
    day = problem(request("x"), weights=Weights.distance_only())
    whole = served("x", "A")
    stops = (replace(whole.stops[0], place=None), *whole.stops[1:-1])
    cost = evaluate(day, Plan(routes=(Route(duty="A", stops=stops),)))
    assert cost.total == cost.distance_km == pytest.approx(2.0)


def test_benchmarks_count_distance_after_service_and_vehicles() -> None:
    day = problem(request("x"), request("y"))
    plan = Plan(routes=(served("x", "A"),))
    distance = replace(day, weights=Weights.distance_only())
    assert evaluate(distance, plan).total == pytest.approx(100_000 + 6)
    vehicles = replace(day, weights=Weights.vehicles_first())
    assert evaluate(vehicles, plan).total == pytest.approx(10_000_000 + 100_000 + 6)


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_a_weight_is_finite_and_not_negative(value: float) -> None:
    with pytest.raises(ValueError, match=r"weights\.distance_km"):
        Weights(distance_km=value)
