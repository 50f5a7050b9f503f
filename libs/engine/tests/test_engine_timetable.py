"""Small routes whose timetable can be computed by hand: four places on a line, a minute apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from atmr_engine import (
    Break,
    Budget,
    Capacity,
    DriverKind,
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
    check,
    evaluate,
    solve,
)
from atmr_engine.arrays import UNREACHABLE
from atmr_engine.rules import Rule

MINUTE = 60.0


def line(places: int = 4) -> Travel:
    points = np.arange(places, dtype=float)
    apart = np.abs(points[:, None] - points[None])
    return Travel(time_s=apart * MINUTE, distance_km=apart)


def ride(name: str, here: int, there: int, **changes: Any) -> Request:
    request = Request(id=name, pickup=Visit(place=here), dropoff=Visit(place=there))
    return replace(request, **changes)


def van(name: str = "van", **changes: Any) -> Duty:
    duty = Duty(
        id=name,
        capacity=Capacity(seats=3),
        shift=TimeWindow(0.0, 600 * MINUTE),
        start_place=0,
        end_place=0,
    )
    return replace(duty, **changes)


def planned(requests: list[Request], duties: list[Duty], **more: Any) -> tuple[Problem, Plan]:
    problem = Problem(
        requests=tuple(requests),
        duties=tuple(duties),
        travel=line(),
        **more,
    )
    return problem, solve(problem, Budget(iterations=30))


def begins(plan: Plan) -> dict[tuple[StopKind, str | None], float]:
    stops = [stop for route in plan.routes for stop in route.stops]
    return {(stop.kind, stop.request): stop.begin_s / MINUTE for stop in stops}


def test_a_vehicle_leaves_as_late_as_the_drop_off_allows() -> None:
    at = Visit(place=2, window=TimeWindow(50 * MINUTE, 60 * MINUTE), service_s=5 * MINUTE)
    _, plan = planned([ride("a", 1, 2, dropoff=at, cleaning_s=7 * MINUTE)], [van()])
    assert begins(plan) == {
        (StopKind.START, None): 48,
        (StopKind.PICKUP, "a"): 49,
        (StopKind.DROPOFF, "a"): 50,
        (StopKind.END, None): 64,
    }


def test_a_pickup_is_not_delayed_beyond_its_window() -> None:
    early = Visit(place=1, window=TimeWindow(10 * MINUTE, 20 * MINUTE))
    at = Visit(place=2, window=TimeWindow(50 * MINUTE, 60 * MINUTE))
    problem, plan = planned([ride("a", 1, 2, pickup=early, dropoff=at)], [van()])
    assert begins(plan)[StopKind.PICKUP, "a"] == 20
    assert evaluate(problem, plan).detour_min == pytest.approx(29)


def test_ride_time_delays_the_pickup_or_forbids_the_trip() -> None:
    early = Visit(place=1, window=TimeWindow(10 * MINUTE, 20 * MINUTE))
    at = Visit(place=2, window=TimeWindow(50 * MINUTE, 60 * MINUTE))
    trip = ride("a", 1, 2, pickup=early, dropoff=at, max_ride_s=20 * MINUTE)
    _, plan = planned([trip], [van()])
    assert [entry.request for entry in plan.unserved] == ["a"]


def test_duration_makes_the_first_of_two_wait() -> None:
    first = ride("a", 1, 2, dropoff=Visit(place=2, window=TimeWindow(0.0, 90 * MINUTE)))
    second = ride("b", 2, 1, pickup=Visit(place=2, window=TimeWindow(100 * MINUTE, 110 * MINUTE)))
    _, plan = planned([first, second], [van(max_duration_s=30 * MINUTE)])
    assert plan.unserved == ()
    times = begins(plan)
    assert times[StopKind.END, None] - times[StopKind.START, None] <= 30
    assert times[StopKind.DROPOFF, "a"] >= 72


def test_a_break_is_taken_in_its_window_where_the_vehicle_stands() -> None:
    pause = Break(duration_s=30 * MINUTE, window=TimeWindow(60 * MINUTE, 80 * MINUTE))
    requests = [
        ride("a", 1, 2, dropoff=Visit(place=2, window=TimeWindow(50 * MINUTE, 55 * MINUTE))),
        ride("b", 2, 3, dropoff=Visit(place=3, window=TimeWindow(120 * MINUTE, 130 * MINUTE))),
    ]
    problem, plan = planned(requests, [van(breaks=(pause,))])
    stop = next(s for s in plan.routes[0].stops if s.kind is StopKind.BREAK)
    assert 60 <= stop.begin_s / MINUTE <= 80
    assert stop.end_s - stop.begin_s == 30 * MINUTE
    assert check(problem, plan) == []


def test_a_break_moves_to_let_a_request_in() -> None:
    pause = Break(duration_s=30 * MINUTE, window=TimeWindow(0.0, 300 * MINUTE))
    tight = [
        ride(
            f"r{k}",
            1,
            2,
            pickup=Visit(place=1, window=TimeWindow(opens * MINUTE, (opens + 1) * MINUTE)),
        )
        for k, opens in enumerate((60, 64, 68, 20, 24))
    ]
    _, plan = planned(tight, [van(breaks=(pause,))])
    assert plan.unserved == ()


def test_a_return_waits_for_the_stay_on_its_own_route_and_on_another() -> None:
    out = ride("out", 1, 2, dropoff=Visit(place=2, window=TimeWindow(0.0, 60 * MINUTE)))
    back = ride("back", 2, 1, link=Link(after="out", stay_s=45 * MINUTE))
    for duties in ([van()], [van(), van("other")]):
        _, plan = planned([out, back], duties)
        times = begins(plan)
        assert plan.unserved == ()
        assert times[StopKind.PICKUP, "back"] >= times[StopKind.DROPOFF, "out"] + 45


def test_a_required_driver_keeps_both_legs() -> None:
    skilled = van("skilled", skills=frozenset({"stairs"}), start_place=3, end_place=3)
    out = ride("out", 1, 2, skills=frozenset({"stairs"}))
    for wish, duties in ((SameDriver.REQUIRE, {"skilled"}), (SameDriver.PREFER, {"skilled"})):
        back = ride("back", 2, 1, link=Link(after="out", same_driver=wish))
        _, plan = planned([out, back], [van(), skilled])
        assert {route.duty for route in plan.routes} == duties


def test_groups_and_loners_never_share() -> None:
    window = TimeWindow(50 * MINUTE, 51 * MINUTE)
    at = Visit(place=3, window=window)
    fellow = ride("b", 1, 3, dropoff=at)
    for other in (replace(fellow, share_group="x"), replace(fellow, ride_alone=True)):
        _, plan = planned([ride("a", 1, 3, dropoff=at), other], [van()])
        assert len(plan.unserved) == 1
    _, plan = planned([ride("a", 1, 3, dropoff=at), fellow], [van()])
    assert plan.unserved == ()


def test_a_wheelchair_folds_seats_away() -> None:
    at = Visit(place=3, window=TimeWindow(50 * MINUTE, 51 * MINUTE))
    wheels = Capacity(seats=2, wheelchairs=1, fold_seats_per_wheelchair=2)
    chair = ride("chair", 1, 3, dropoff=at, load=Load(wheelchairs=1))
    walker = ride("walker", 1, 3, dropoff=at)
    _, plan = planned([chair, walker], [van(capacity=wheels)])
    assert len(plan.unserved) == 1
    _, plan = planned([chair, walker], [van(capacity=replace(wheels, seats=3))])
    assert plan.unserved == ()


def test_an_emergency_driver_comes_only_where_no_regular_one_fits() -> None:
    at = Visit(place=3, window=TimeWindow(50 * MINUTE, 51 * MINUTE))
    near = van("near", driver_kind=DriverKind.EMERGENCY, start_place=1, end_place=3)
    alone = [ride(f"r{k}", 1, 3, dropoff=at, ride_alone=True) for k in range(2)]
    _, plan = planned(alone[:1], [near, van()])
    assert [route.duty for route in plan.routes] == ["van"]
    _, plan = planned(alone, [near, van()])
    assert {route.duty for route in plan.routes} == {"near", "van"}


def test_a_duty_without_places_of_its_own_drives_from_stop_to_stop() -> None:
    problem, plan = planned([ride("a", 1, 3)], [van(start_place=None, end_place=None)])
    assert evaluate(problem, plan).distance_km == 2
    assert plan.routes[0].stops[0].place is None


def test_a_waiver_is_used_only_where_nothing_else_helps() -> None:
    late = ride("late", 1, 3, dropoff=Visit(place=3, window=TimeWindow(0.0, 2 * MINUTE)))
    grant = Waiver(
        rule=Rule.WINDOW, subject="late", excess_s=600, reason="traffic", granted_by="dispatcher"
    )
    problem, plan = planned([late], [van()], waivers=(grant,))
    assert begins(plan)[StopKind.DROPOFF, "late"] == 3
    assert evaluate(problem, plan).lateness_min == pytest.approx(1)
    easy = replace(late, dropoff=Visit(place=3, window=TimeWindow(0.0, 9 * MINUTE)))
    problem, plan = planned([easy], [van()], waivers=(grant,))
    assert evaluate(problem, plan).lateness_min == 0


def test_no_way_between_two_places_is_no_way() -> None:
    travel = line()
    travel.time_s[1, 3] = np.inf
    problem = Problem(requests=(ride("a", 1, 3),), duties=(van(),), travel=travel)
    plan = solve(problem, Budget(iterations=5))
    assert [entry.request for entry in plan.unserved] == ["a"]
    assert np.isfinite(UNREACHABLE)
