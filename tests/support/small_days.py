"""Days small enough to work out by hand: places on a line, a kilometre and a minute apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from atmr_engine.plan import Plan, PlannedStop, Route, StopKind
from atmr_engine.problem import Capacity, Duty, Problem, Request, TimeWindow, Travel, Visit
from atmr_engine.rules import Rule, Violation, Waiver
from atmr_engine.weights import Weights

APART = np.abs(np.subtract.outer(np.arange(5.0), np.arange(5.0)))
LINE = Travel(time_s=60.0 * APART, distance_km=APART)
NOTHING = Weights(**dict.fromkeys(Weights.__slots__, 0.0))


def request(name: str = "x", **changes: Any) -> Request:
    """From place 1 to place 3, half a minute of service at either end."""
    plain = Request(
        id=name, pickup=Visit(place=1, service_s=30), dropoff=Visit(place=3, service_s=30)
    )
    return replace(plain, **changes)


def duty(name: str = "A", **changes: Any) -> Duty:
    """Out from place 0 and back, between 0 and 7200 s."""
    plain = Duty(
        id=name,
        capacity=Capacity(seats=3),
        shift=TimeWindow(0, 7200),
        start_place=0,
        end_place=0,
        driver=name,
    )
    return replace(plain, **changes)


def day(*requests: Request, duties: tuple[Duty, ...] | None = None, **changes: Any) -> Problem:
    """A problem on the line; nothing but what the test weighs costs anything."""
    plain = {"travel": LINE, "weights": NOTHING, **changes}
    return Problem(requests=requests, duties=duties or (duty(),), **plain)


def stop(kind: StopKind, place: int | None, begin: float, end: float, **more: Any) -> PlannedStop:
    """A stop reached at its begin, unless `arrival_s` says otherwise."""
    times = {"arrival_s": begin, "begin_s": begin, "end_s": end, **more}
    return PlannedStop(kind=kind, place=place, **times)


def pickup(begin: float, who: str = "x", **more: Any) -> PlannedStop:
    return stop(StopKind.PICKUP, 1, begin, begin + 30, request=who, **more)


def dropoff(begin: float, who: str = "x", **more: Any) -> PlannedStop:
    return stop(StopKind.DROPOFF, 3, begin, begin + 30, request=who, **more)


def pause(begin: float, end: float) -> PlannedStop:
    """A break at place 3."""
    return stop(StopKind.BREAK, 3, begin, end)


def start(departure: float = 0.0) -> PlannedStop:
    return stop(StopKind.START, 0, departure, departure)


def end(arrival: float = 420.0) -> PlannedStop:
    return stop(StopKind.END, 0, arrival, arrival)


def route(*stops: PlannedStop, on: str = "A") -> Route:
    """The stops; without any: `x` is picked up at 60, dropped off at 210, back at 420 s.

    Drives 360 s and 6 km.
    """
    return Route(duty=on, stops=stops or (start(), pickup(60), dropoff(210), end()))


def plan(*stops: PlannedStop, **more: Any) -> Plan:
    return Plan(routes=(route(*stops),), **more)


def waiver(rule: Rule, subject: str, excess_s: float) -> Waiver:
    return Waiver(rule=rule, subject=subject, excess_s=excess_s, reason="jam", granted_by="Eve")


def breaches(violations: list[Violation]) -> list[tuple[Rule, str, float]]:
    """What is broken, whose, and by how much to a millisecond."""
    return [(each.rule, each.subject, round(each.excess, 3)) for each in violations]
