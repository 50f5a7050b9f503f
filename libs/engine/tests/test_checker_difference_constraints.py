"""Bellman-Ford against an exhaustive search, and the timetables that it gives against the judge."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from atmr_engine.checker import check, feasible_times
from atmr_engine.plan import Plan, Route, StopKind
from atmr_engine.problem import (
    Break,
    Capacity,
    Committed,
    Duty,
    Link,
    Problem,
    Request,
    TimeWindow,
    Travel,
    Visit,
)
from atmr_engine.rules import Rule, Waiver

WAY = 60.0 * (np.ones((3, 3)) - np.eye(3))
HORIZON = 9
"""Minutes; every duration of the generated problems is a whole number of minutes."""
SEQUENCE: list[tuple[StopKind, str | None]] = [
    (StopKind.PICKUP, "a"),
    (StopKind.PICKUP, "b"),
    (StopKind.DROPOFF, "a"),
    (StopKind.DROPOFF, "b"),
]


def minutes(low: int, high: int) -> st.SearchStrategy[float]:
    return st.integers(low, high).map(lambda count: 60.0 * count)


@st.composite
def windows(draw: st.DrawFn) -> TimeWindow:
    opens = draw(minutes(0, 5))
    return TimeWindow(opens, opens + draw(minutes(0, 4)))


@st.composite
def requests(draw: st.DrawFn, name: str) -> Request:
    return Request(
        id=name,
        pickup=Visit(place=1, window=draw(windows()), service_s=draw(minutes(0, 1))),
        dropoff=Visit(place=2, window=draw(windows())),
        max_ride_s=draw(minutes(1, 3)),
    )


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    duty = Duty(
        id="duty",
        capacity=Capacity(seats=2),
        shift=TimeWindow(0, 60.0 * HORIZON),
        start_place=0,
        end_place=0,
        max_duration_s=draw(minutes(3, HORIZON)),
    )
    return Problem(
        requests=(draw(requests("a")), draw(requests("b"))),
        duties=(duty,),
        travel=Travel(time_s=WAY, distance_km=WAY),
    )


def exhaustive(problem: Problem) -> bool:
    """Whether any timetable on whole minutes is valid, which is enough for whole durations."""
    template = feasible_times(_loose(problem), problem.duties[0], SEQUENCE)
    assert template is not None
    grid = [60.0 * minute for minute in range(HORIZON + 1)]
    visits = [
        visit.window
        for visit in (
            problem.requests[0].pickup,
            problem.requests[1].pickup,
            problem.requests[0].dropoff,
            problem.requests[1].dropoff,
        )
    ]
    choices = [[t for t in grid if w.open_s <= t <= w.close_s] for w in visits]
    return any(
        check(problem, Plan(routes=(_timed(problem, template, begins),))) == []
        for begins in product(*choices)
    )


def _loose(problem: Problem) -> Problem:
    free = [
        replace(r, pickup=Visit(place=1), dropoff=Visit(place=2), max_ride_s=1e9)
        for r in problem.requests
    ]
    duty = replace(problem.duties[0], shift=TimeWindow(0, 1e9), max_duration_s=1e9)
    return replace(problem, requests=tuple(free), duties=(duty,))


def _timed(problem: Problem, template: Route, begins: tuple[float, ...]) -> Route:
    """Leaves as late and returns as early as these begins allow, which no other choice betters."""
    service = {request.id: request.pickup.service_s for request in problem.requests}
    start, *middle, end = template.stops
    stops = [
        replace(
            stop,
            arrival_s=begin,
            begin_s=begin,
            end_s=begin + (service[stop.request or ""] if stop.kind is StopKind.PICKUP else 0.0),
        )
        for stop, begin in zip(middle, begins, strict=True)
    ]
    leave, back = begins[0] - 60.0, stops[-1].end_s + 60.0
    return Route(
        duty="duty",
        stops=(
            replace(start, arrival_s=leave, begin_s=leave, end_s=leave),
            *stops,
            replace(end, arrival_s=back, begin_s=back, end_s=back),
        ),
    )


@settings(max_examples=60, deadline=None)
@given(problems())
def test_a_timetable_is_found_exactly_when_one_exists(problem: Problem) -> None:
    route = feasible_times(problem, problem.duties[0], SEQUENCE)
    assert (route is not None) == exhaustive(problem)
    if route is not None:
        assert check(problem, Plan(routes=(route,))) == []


DAY = Problem(
    requests=(
        Request(
            id="out",
            pickup=Visit(place=1, window=TimeWindow(60, 300)),
            dropoff=Visit(place=2, service_s=60),
        ),
        Request(
            id="back",
            pickup=Visit(place=2),
            dropoff=Visit(place=1),
            link=Link(after="out", stay_s=600),
        ),
    ),
    duties=(
        Duty(
            id="duty",
            capacity=Capacity(seats=1),
            shift=TimeWindow(0, 1500),
            start_place=0,
            breaks=(Break(duration_s=120, window=TimeWindow(200, 900)),),
            committed=(Committed(kind="pickup", request="out", begin_s=90),),
        ),
    ),
    travel=Travel(time_s=WAY, distance_km=WAY),
)
ROUND_TRIP: list[tuple[StopKind, str | None]] = [
    (StopKind.PICKUP, "out"),
    (StopKind.DROPOFF, "out"),
    (StopKind.BREAK, None),
    (StopKind.PICKUP, "back"),
    (StopKind.DROPOFF, "back"),
]


def test_breaks_links_and_committed_times_are_kept() -> None:
    route = feasible_times(DAY, DAY.duties[0], ROUND_TRIP)
    assert route is not None
    begins = [stop.begin_s for stop in route.stops]
    assert begins == [30, 90, 150, 210, 150 + 60 + 600, 870, 870]
    assert check(DAY, Plan(routes=(route,))) == []


def test_waivers_make_an_impossible_sequence_possible() -> None:
    duty = replace(DAY.duties[0], breaks=(Break(duration_s=120, window=TimeWindow(0, 100)),))
    problem = replace(DAY, duties=(duty,))
    assert feasible_times(problem, duty, ROUND_TRIP) is None
    waiver = Waiver(
        rule=Rule.BREAK, subject="duty", excess_s=110, reason="jam", granted_by="dispatcher"
    )
    route = feasible_times(problem, duty, ROUND_TRIP, [waiver])
    assert route is not None
    assert check(problem, Plan(routes=(route,)), [waiver]) == []


def test_an_unreachable_place_has_no_timetable() -> None:
    cut_off = WAY.copy()
    cut_off[1, 2] = np.inf
    problem = replace(DAY, travel=Travel(time_s=cut_off, distance_km=cut_off))
    assert feasible_times(problem, problem.duties[0], ROUND_TRIP) is None


def test_an_empty_sequence_drives_home_at_once() -> None:
    duty = replace(DAY.duties[0], committed=())
    route = feasible_times(DAY, duty, [])
    assert route is not None
    assert [stop.kind for stop in route.stops] == [StopKind.START, StopKind.END]
