"""Plans under travel by time of day: judged forward, priced, and timed from a bare sequence.

Every way takes 60 s a km for who leaves at 0 and 120 s for who leaves at 600 or later.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.small_days import (
    APART,
    breaches,
    day,
    dropoff,
    duty,
    end,
    pickup,
    plan,
    request,
    start,
)

from atmr_engine.checker import check, feasible_times
from atmr_engine.kpi import measure
from atmr_engine.objective import evaluate
from atmr_engine.plan import Plan, StopKind
from atmr_engine.problem import Problem, Request, TimeWindow, Travel, Visit
from atmr_engine.rules import Rule
from atmr_engine.travel import travel_time

SLOWING = Travel(
    time_s=np.stack([60.0 * APART, 120.0 * APART]),
    distance_km=APART,
    knots_s=np.array([0.0, 600.0]),
)
TRIP = [(StopKind.PICKUP, "x"), (StopKind.DROPOFF, "x")]
# Leaves 1 at 90: two km in 120 * 1.15 = 138 s. Leaves 3 at 258: three km in 180 * 1.43 s.
EARLIEST = (start(), pickup(60), dropoff(228), end(258 + 257.4))


def slowing(*requests: Request) -> Problem:
    return day(*(requests or (request(),)), travel=SLOWING)


def test_each_way_is_as_long_as_it_is_for_who_leaves_then() -> None:
    assert check(slowing(), plan(*EARLIEST)) == []
    early = plan(*EARLIEST[:2], dropoff(227), end(257 + 257.1))
    assert breaches(check(slowing(), early)) == [(Rule.TRAVEL, "x", 1.0)]
    home = plan(*EARLIEST[:3], end(514.4))
    assert breaches(check(slowing(), home)) == [(Rule.TRAVEL, "A", 1.0)]


def test_the_direct_way_leaves_when_the_pickup_is_done() -> None:
    assert evaluate(slowing(), plan(*EARLIEST)).detour_min == 0.0
    slow = plan(*EARLIEST[:2], dropoff(258), end(900))
    assert evaluate(slowing(), slow).detour_min == pytest.approx(0.5)
    assert measure(slowing(), slow).direct_min == pytest.approx(138 / 60)


def test_driving_is_counted_by_the_time_of_day() -> None:
    drives = 60 + 138 + 257.4
    within = day(request(), duties=(duty(max_driving_s=drives),), travel=SLOWING)
    assert check(within, plan(*EARLIEST)) == []
    beyond = replace(within, duties=(duty(max_driving_s=drives - 1),))
    assert breaches(check(beyond, plan(*EARLIEST))) == [(Rule.DRIVING, "A", 1.0)]


def test_a_bare_sequence_gets_its_earliest_timetable() -> None:
    route = feasible_times(slowing(), duty(), TRIP)
    assert route is not None
    assert [stop.begin_s for stop in route.stops] == pytest.approx([0, 60, 228, 515.4])
    assert check(slowing(), Plan(routes=(route,))) == []


def test_departure_is_as_late_as_the_first_stop_allows() -> None:
    """Who leaves 0 for 1 at 300 needs 90 s and is there at 390."""
    late = request(pickup=Visit(place=1, window=TimeWindow(390, 390), service_s=30))
    route = feasible_times(slowing(late), duty(), TRIP)
    assert route is not None
    assert route.stops[0].end_s == pytest.approx(300.0)


def test_a_ride_waits_until_the_road_is_quick_enough() -> None:
    """From 0 to 1 in 600 s at 0, falling by 0.4 a second: 200 s for who leaves at 1000."""
    clearing = np.zeros((2, 5, 5))
    clearing[0, 1, 3], clearing[1, 1, 3] = 600.0, 120.0
    travel = Travel(time_s=clearing, distance_km=APART, knots_s=np.array([0.0, 1200.0]))
    ride = Request(id="x", pickup=Visit(place=1), dropoff=Visit(place=3), max_ride_s=200)
    route = feasible_times(day(ride, travel=travel), duty(), TRIP)
    assert route is not None
    assert route.stops[1].begin_s == pytest.approx(1000.0, abs=1e-4)
    never = replace(ride, max_ride_s=119)
    forever = duty(shift=TimeWindow(0))
    assert feasible_times(day(never, travel=travel), forever, TRIP) is None
    soon = replace(ride, pickup=Visit(place=1, window=TimeWindow(0, 999)))
    assert feasible_times(day(soon, travel=travel), duty(), TRIP) is None


@given(
    slopes=st.lists(st.floats(-0.9, 2.0), min_size=3, max_size=3),
    opens=st.lists(st.floats(0, 2_000), min_size=4, max_size=4),
    order=st.permutations(range(4)),
)
def test_without_limits_the_earliest_times_are_those_of_driving_on(
    slopes: list[float], opens: list[float], order: list[int]
) -> None:
    """Four pickups in any order, each as soon as it is open and reached."""
    factors = [max(0.1, 1.0 + slope) for slope in slopes]
    travel = Travel(
        time_s=np.stack([400.0 * factor * APART for factor in factors]),
        distance_km=APART,
        knots_s=np.array([0.0, 8_000.0, 16_000.0]),
    )
    requests = tuple(
        Request(
            id=str(n), pickup=Visit(place=n, window=TimeWindow(opens[n])), dropoff=Visit(place=4)
        )
        for n in range(4)
    )
    sequence = [(StopKind.PICKUP, str(n)) for n in order]
    problem = day(*requests, travel=travel)
    route = feasible_times(problem, duty(shift=TimeWindow(0), end_place=None), sequence)
    assert route is not None
    free_s, here = 0.0, 0
    for stop, number in zip(route.stops[1:-1], order, strict=True):
        reached_s = free_s + travel_time(travel, here, number, free_s)
        free_s, here = max(reached_s, opens[number]), number
        assert stop.begin_s == pytest.approx(free_s, abs=1e-4)
    assert all(before.end_s <= stop.arrival_s + 1e-6 for before, stop in pairwise(route.stops))
