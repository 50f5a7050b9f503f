"""Each rule at its limit: a tiny day that just fits, and one that is a step worse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

from atmr_engine import (
    Break,
    Budget,
    Capacity,
    Committed,
    Duty,
    Link,
    Load,
    Plan,
    Problem,
    Request,
    SameDriver,
    StopKind,
    TimeWindow,
    Travel,
    Visit,
    Waiver,
    solve,
)
from atmr_engine.rules import Rule

# Four places on a line, a minute apart; all times are in minutes until a problem is made.
APART = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0)))
MINUTE = 60.0


class Day(NamedTuple):
    requests: list[Request]
    duties: list[Duty]
    waivers: tuple[Waiver, ...] = ()


def at(place: int, opens: float = 0.0, closes: float = 600.0, service: float = 0.0) -> Visit:
    window = TimeWindow(opens * MINUTE, closes * MINUTE)
    return Visit(place=place, window=window, service_s=service * MINUTE)


def ride(name: str, pickup: Visit, dropoff: Visit, **changes: Any) -> Request:
    return replace(Request(id=name, pickup=pickup, dropoff=dropoff), **changes)


def van(name: str = "van", opens: float = 0.0, closes: float = 600.0, **changes: Any) -> Duty:
    shift = TimeWindow(opens * MINUTE, closes * MINUTE)
    plain = Duty(
        id=name, capacity=Capacity(seats=3), shift=shift, start_place=0, end_place=0, driver=name
    )
    return replace(plain, **changes)


def waived(rule: Rule, subject: str, minutes: float) -> tuple[Waiver, ...]:
    excess = minutes * MINUTE
    return (Waiver(rule=rule, subject=subject, excess_s=excess, reason="jam", granted_by="Eve"),)


def solved(day: Day) -> Plan:
    problem = Problem(
        requests=tuple(day.requests),
        duties=tuple(day.duties),
        travel=Travel(time_s=APART * MINUTE, distance_km=APART),
        waivers=day.waivers,
    )
    return solve(problem, Budget(iterations=10))


def together(first: Load, second: Load, **capacity: int) -> Day:
    """Two who can only ride together."""
    pair = [
        ride(name, at(1), at(3, 50, 51), load=load)
        for name, load in (("one", first), ("two", second))
    ]
    return Day(pair, [van(capacity=Capacity(**capacity))])


CHAIR, STRETCHER, SEAT = Load(wheelchairs=1), Load(stretchers=1), Load(seats=1)
NOON = at(2, 50, 50)


def alone(duty: Duty | None = None, waivers: tuple[Waiver, ...] = (), **changes: Any) -> Day:
    """One trip of a minute, dropped off at minute 50, back at the depot at minute 52."""
    ends = {"pickup": at(1), "dropoff": NOON}
    return Day([ride("it", **{**ends, **changes})], [duty or van()], waivers)


def long_ride(minutes: float, waivers: tuple[Waiver, ...] = ()) -> Day:
    """Picked up at minute 10 for 5 minutes, dropped off at minute 50: rides 35."""
    trip = ride("it", at(1, 10, 10, 5), NOON, max_ride_s=minutes * MINUTE)
    return Day([trip], [van()], waivers)


def long_day(minutes: float, waivers: tuple[Waiver, ...] = ()) -> Day:
    """Out from minute 9 to minute 52."""
    trip = ride("it", at(1, 10, 10), NOON)
    return Day([trip], [van(max_duration_s=minutes * MINUTE)], waivers)


def pause(opens: float, closes: float, length: float = 20, waivers: tuple[Waiver, ...] = ()) -> Day:
    """A break between two trips, which leave minutes 20 to 48 for it."""
    window = TimeWindow(opens * MINUTE, closes * MINUTE)
    rest = Break(duration_s=length * MINUTE, window=window)
    trips = [ride("one", at(1, 19, 19), at(2, 20, 20)), ride("two", at(2, 48, 48), at(1, 49, 49))]
    return Day(trips, [van(opens=18, closes=50, breaks=(rest,))], waivers)


def follow(stay: float, *, service: float = 0, apart: bool = False, first: bool = True) -> Day:
    """Out to place 2 at minute 30, back at minute 40; `first`: the outbound leg is inserted so."""
    link = Link(after="out", stay_s=stay * MINUTE)
    legs = [
        ride("out", at(1, 29, 44), at(2, 30, 30 if first else 45, service)),
        ride("back", at(2, 40, 40), at(1), link=link),
    ]
    if apart:
        legs = [replace(leg, locked_duty=name) for leg, name in zip(legs, "ab", strict=True)]
    return Day(legs, [van("a"), van("b")] if apart else [van()])


def turn(ready: float, back: float) -> Day:
    """Out to place 2 at one minute, back from there at another, by the only van."""
    out = ride("out", at(1), at(2, ready, ready))
    return Day([out, ride("back", at(2, back, back), at(1), link=Link(after="out"))], [van()])


def one_driver(driver: str, *, first: bool) -> Day:
    """Each leg fits one duty alone; `first` says which leg comes first in the input."""
    link = Link(after="out", same_driver=SameDriver.REQUIRE)
    legs = [
        ride("out", at(1), at(2, 30, 30), locked_duty="van"),
        ride("back", at(2, 40, 40), at(1), link=link, locked_duty="other"),
    ]
    if not first:  # the return is wanted earlier, so that it is inserted before the outbound leg
        legs[1] = replace(legs[1], pickup=at(2, 30, 30))
        legs[0] = replace(legs[0], pickup=at(1, 25, 29), dropoff=at(2, 0, 30))
    return Day(legs, [van(driver="Ana"), van("other", driver=driver)])


def after(spent: dict[str, float]) -> Day:
    """A trip that ends at minute 50 and one that begins at minute 60, at the same place."""
    dropoff = at(2, 50, 50, spent.get("service", 0))
    cleaning = spent.get("cleaning", 0) * MINUTE
    trips = [ride("one", at(1), dropoff, cleaning_s=cleaning), ride("two", at(2, 60, 60), at(3))]
    return Day(trips, [van()])


JUST: dict[str, tuple[Day, Day]] = {
    "seats": (together(SEAT, SEAT, seats=2), together(SEAT, SEAT, seats=1)),
    "wheelchair places": (
        together(CHAIR, CHAIR, seats=0, wheelchairs=2),
        together(CHAIR, CHAIR, seats=0, wheelchairs=1),
    ),
    "stretcher places": (
        together(STRETCHER, STRETCHER, seats=0, stretchers=2),
        together(STRETCHER, STRETCHER, seats=0, stretchers=1),
    ),
    "a wheelchair folds seats": (
        together(CHAIR, SEAT, seats=3, wheelchairs=1, fold_seats_per_wheelchair=2),
        together(CHAIR, SEAT, seats=2, wheelchairs=1, fold_seats_per_wheelchair=2),
    ),
    "a stretcher folds seats": (
        together(STRETCHER, SEAT, seats=3, stretchers=1, fold_seats_per_stretcher=2),
        together(STRETCHER, SEAT, seats=2, stretchers=1, fold_seats_per_stretcher=2),
    ),
    "a wheelchair alone folds seats": (
        alone(
            van(capacity=Capacity(seats=2, wheelchairs=1, fold_seats_per_wheelchair=2)), load=CHAIR
        ),
        alone(
            van(capacity=Capacity(seats=1, wheelchairs=1, fold_seats_per_wheelchair=2)), load=CHAIR
        ),
    ),
    "a stretcher alone folds seats": (
        alone(
            van(capacity=Capacity(seats=2, stretchers=1, fold_seats_per_stretcher=2)),
            load=STRETCHER,
        ),
        alone(
            van(capacity=Capacity(seats=1, stretchers=1, fold_seats_per_stretcher=2)),
            load=STRETCHER,
        ),
    ),
    "crew": (alone(van(crew=2), crew=2), alone(van(crew=1), crew=2)),
    "skills": (
        alone(van(skills=frozenset({"a", "b"})), skills=frozenset({"a", "b"})),
        alone(van(skills=frozenset({"a"})), skills=frozenset({"a", "b"})),
    ),
    "equipment": (
        alone(van(equipment=frozenset({"a", "b"})), equipment=frozenset({"a", "b"})),
        alone(van(equipment=frozenset({"b"})), equipment=frozenset({"a", "b"})),
    ),
    "a pin": (
        Day([ride("it", at(1), NOON, locked_duty="van")], [van("other"), van()]),
        Day([ride("it", at(1), NOON, locked_duty="van", crew=2)], [van("other", crew=2), van()]),
    ),
    "ride time": (long_ride(35), long_ride(34)),
    "ride time waived": (
        long_ride(30, waived(Rule.RIDE_TIME, "it", 5)),
        long_ride(30, waived(Rule.RIDE_TIME, "it", 4)),
    ),
    "window": (alone(pickup=at(1, 0, 1)), alone(pickup=at(1, 0, 0.5))),
    "window waived": (
        alone(None, waived(Rule.WINDOW, "it", 1), pickup=at(1, 0, 0), dropoff=at(2, 0, 1)),
        alone(None, waived(Rule.WINDOW, "it", 0.5), pickup=at(1, 0, 0), dropoff=at(2, 0, 1)),
    ),
    "shift's end": (alone(van(closes=52)), alone(van(closes=51))),
    "shift's end waived": (
        alone(van(closes=50), waived(Rule.SHIFT, "van", 2)),
        alone(van(closes=50), waived(Rule.SHIFT, "van", 1)),
    ),
    "shift's begin": (alone(van(opens=48)), alone(van(opens=49))),
    "duration": (long_day(43), long_day(42)),
    "duration waived": (
        long_day(40, waived(Rule.DURATION, "van", 3)),
        long_day(40, waived(Rule.DURATION, "van", 2)),
    ),
    "break's end": (pause(0, 20), pause(19.5, 19.8)),
    "break's begin": (pause(28, 90), pause(29, 90)),
    "break's length": (pause(20, 90, 28), pause(20, 90, 29)),
    "break waived": (
        pause(18.5, 18.9, waivers=waived(Rule.BREAK, "van", 2)),
        pause(18.5, 18.9, waivers=waived(Rule.BREAK, "van", 1)),
    ),
    "stay on one route": (follow(10), follow(11)),
    "service before the stay": (follow(5, service=5), follow(5, service=6)),
    "stay on two routes": (follow(10, apart=True), follow(11, apart=True)),
    "stay before what is planned": (
        follow(10, apart=True, first=False),
        follow(11, apart=True, first=False),
    ),
    "a return before its outbound leg": (turn(20, 30), turn(30, 20)),
    "the driver of the leg before": (one_driver("Ana", first=True), one_driver("Ben", first=True)),
    "the driver of the leg after": (one_driver("Ana", first=False), one_driver("Ben", first=False)),
    "cleaning": (after({"cleaning": 10}), after({"cleaning": 11})),
    "service": (after({"service": 10}), after({"service": 11})),
}


@pytest.mark.parametrize("name", JUST)
def test_a_day_at_the_limit_of_a_rule_is_served_and_one_beyond_it_is_not(name: str) -> None:
    fits, beyond = JUST[name]
    assert solved(fits).unserved == ()
    assert solved(beyond).unserved != ()


def test_a_break_is_never_taken_with_somebody_on_board() -> None:
    rest = Break(duration_s=20 * MINUTE, window=TimeWindow(20 * MINUTE, 28 * MINUTE))
    across = ride("it", at(1, 10, 10), NOON)
    plan = solved(Day([across], [van(breaks=(rest,))]))
    assert [entry.rule for entry in plan.unserved] == [Rule.BREAK]
    aboard = Committed(kind="pickup", request="it")
    early = replace(across, dropoff=at(2, 11, 50))
    plan = solved(Day([early], [van(breaks=(rest,), committed=(aboard,))]))
    kinds = [stop.kind for stop in plan.routes[0].stops[1:-1]]
    assert kinds == [StopKind.PICKUP, StopKind.DROPOFF, StopKind.BREAK]


@pytest.mark.parametrize("begin", [20.0, 25.0, 30.0])
def test_a_committed_beginning_keeps_its_order_and_time(begin: float) -> None:
    far = ride("far", at(3, 20, 30), at(1, 60))
    near = ride("near", at(1), at(2))
    rest = Break(duration_s=5 * MINUTE, window=TimeWindow(0.0, 600 * MINUTE))
    committed = (Committed(kind="pickup", request="far", begin_s=begin * MINUTE),)
    duties = [van(committed=committed, breaks=(rest,)), van("other")]
    plan = solved(Day([near, far], duties))
    assert plan.unserved == ()
    stops = next(route for route in plan.routes if route.duty == "van").stops
    assert (stops[1].kind, stops[1].request) == (StopKind.PICKUP, "far")
    assert stops[1].begin_s == begin * MINUTE


def test_a_break_that_begins_the_day_is_no_drive_whatever_the_matrix_says() -> None:
    rest = Break(duration_s=5 * MINUTE, window=TimeWindow(0.0, 10 * MINUTE))
    problem = Problem(
        requests=(ride("it", at(1), NOON),),
        duties=(van(breaks=(rest,)),),
        travel=Travel(time_s=(APART + np.eye(4)) * MINUTE, distance_km=APART),
    )
    assert solve(problem, Budget(iterations=10)).unserved == ()
