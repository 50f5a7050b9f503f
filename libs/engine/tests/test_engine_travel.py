"""Travel by time of day: linear between knots, first-in-first-out, and its exact inverse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.small_days import APART, LINE, day

from atmr_engine.problem import ProblemError, Travel
from atmr_engine.travel import greatest_time, latest_departure, least_time, travel_time


def pair(knots: list[float], times: list[float]) -> Travel:
    """Two places; from 0 to 1 it takes `times` at `knots`, back always a minute."""
    slices = np.array([[[0.0, time], [60.0, 0.0]] for time in times])
    return Travel(time_s=slices, distance_km=np.ones((2, 2)), knots_s=np.array(knots))


RUSH = pair([100.0, 200.0, 400.0], [50.0, 150.0, 20.0])
"""Slower by a second each second until 200, then quicker by 0.65."""


@pytest.mark.parametrize(
    ("depart_s", "time_s"),
    [(-500, 50), (100, 50), (150, 100), (200, 150), (300, 85), (400, 20), (9e9, 20)],
)
def test_travel_is_linear_between_knots_and_constant_outside(
    depart_s: float, time_s: float
) -> None:
    assert travel_time(RUSH, 0, 1, depart_s) == pytest.approx(time_s)
    assert travel_time(RUSH, 1, 0, depart_s) == pytest.approx(60)
    assert latest_departure(RUSH, 0, 1, depart_s + time_s) == pytest.approx(depart_s)


def test_constant_travel_and_nowhere() -> None:
    assert travel_time(LINE, 0, 4, 77.0) == 240.0
    assert latest_departure(LINE, 0, 4, 77.0) == -163.0
    for travel in (LINE, RUSH):
        assert travel_time(travel, None, 1, 5.0) == travel_time(travel, 1, None, 5.0) == 0.0
        assert latest_departure(travel, None, 1, 5.0) == 5.0
    assert (least_time(RUSH, 0, 1), greatest_time(RUSH, 0, 1)) == (20.0, 150.0)
    assert (least_time(LINE, 0, 4), greatest_time(LINE, 0, 4)) == (240.0, 240.0)
    assert (RUSH.places, LINE.places) == (2, 5)


def test_of_departures_that_arrive_together_it_is_the_last() -> None:
    jam = pair([0.0, 100.0], [200.0, 100.0])
    assert travel_time(jam, 0, 1, 30.0) == pytest.approx(170.0)
    assert latest_departure(jam, 0, 1, 200.0) == pytest.approx(100.0)
    assert latest_departure(jam, 0, 1, 199.0) == pytest.approx(-1.0)


def test_an_unreachable_place_stays_so() -> None:
    island = pair([0.0, 100.0], [math.inf, math.inf])
    assert travel_time(island, 0, 1, 50.0) == math.inf
    assert latest_departure(island, 0, 1, 50.0) == -math.inf


@st.composite
def fifo(draw: st.DrawFn) -> Travel:
    """Steps of at least a second between knots, slopes of at least -0.99."""
    steps = draw(st.lists(st.floats(1, 5_000), min_size=0, max_size=5))
    knots = [draw(st.floats(-1_000, 1_000))]
    times = [draw(st.floats(0, 5_000))]
    for step in steps:
        knots.append(knots[-1] + step)
        times.append(max(0.0, times[-1] + step * draw(st.floats(-0.99, 3))))
    return pair(knots, times)


@given(travel=fifo(), depart_s=st.floats(-5_000, 50_000), later_s=st.floats(0, 5_000))
def test_the_inverse_is_exact_and_nobody_overtakes(
    travel: Travel, depart_s: float, later_s: float
) -> None:
    day(travel=travel, duties=())
    arrive_s = depart_s + travel_time(travel, 0, 1, depart_s)
    assert latest_departure(travel, 0, 1, arrive_s) == pytest.approx(depart_s, abs=1e-5)
    after_s = depart_s + later_s
    assert after_s + travel_time(travel, 0, 1, after_s) >= arrive_s - 1e-6


@given(travel=fifo(), arrive_s=st.floats(-5_000, 50_000))
def test_the_latest_departure_is_in_time_and_a_later_one_is_not(
    travel: Travel, arrive_s: float
) -> None:
    depart_s = latest_departure(travel, 0, 1, arrive_s)
    assert depart_s + travel_time(travel, 0, 1, depart_s) == pytest.approx(arrive_s, abs=1e-6)
    after_s = depart_s + 1.0
    assert after_s + travel_time(travel, 0, 1, after_s) > arrive_s


TIMES = np.stack([60.0 * APART, 90.0 * APART])
KNOTS = np.array([0.0, 600.0])


def with_time(at: tuple[int, int, int], value: float) -> Any:
    times = TIMES.copy()
    times[at] = value
    return times


WRONG: dict[str, tuple[Any, Any, str, str]] = {
    "no knots": (TIMES, None, "travel.time_s", "needs travel.knots_s"),
    "knots for nothing": (60.0 * APART, KNOTS, "travel.time_s", "for each of travel.knots_s"),
    "a knot less": (TIMES, KNOTS[:1], "travel.knots_s", r"has shape \(1,\)"),
    "knots of integers": (TIMES, np.array([0, 600]), "travel.knots_s", "float64"),
    "knots that stand still": (TIMES, np.array([5.0, 5.0]), "travel.knots_s", "increasing"),
    "knots without end": (TIMES, np.array([0.0, np.inf]), "travel.knots_s", "finite"),
    "nothing": (np.empty((0, 5, 5)), np.empty(0), "travel.knots_s", "slices"),
    "no time": (with_time((1, 2, 3), np.nan), KNOTS, "travel.time_s[1, 2, 3]", "NaN"),
    "back in time": (with_time((1, 2, 3), -1.0), KNOTS, "travel.time_s[1, 2, 3]", "negative"),
    "sometimes an island": (
        with_time((1, 2, 3), np.inf),
        KNOTS,
        "travel.time_s",
        r"3 cannot be reached from 2 in slices \[1\] only",
    ),
    "one overtakes": (
        with_time((0, 2, 3), 691.0),
        KNOTS,
        "travel.time_s",
        "leaves 2 for 3 at 600.0 s arrives at 690.0 s, before who leaves at 0.0 s",
    ),
    "fewer places": (TIMES[:, :4, :4], KNOTS, "travel.distance_km", "has shape"),
}


@pytest.mark.parametrize("name", WRONG)
def test_slices_that_cannot_be_right_are_refused_by_name(name: str) -> None:
    times, knots, field, message = WRONG[name]
    with pytest.raises(ProblemError, match=message) as refusal:
        day(travel=Travel(time_s=times, distance_km=APART, knots_s=knots))
    assert refusal.value.field == field


@pytest.mark.parametrize("arrival_s", [690.0, 690.0 + 1e-7])
def test_a_slope_of_minus_one_is_still_in_order(arrival_s: float) -> None:
    day(travel=Travel(time_s=with_time((0, 2, 3), arrival_s), distance_km=APART, knots_s=KNOTS))


def test_one_slice_is_constant_travel() -> None:
    one = Travel(time_s=TIMES[:1], distance_km=APART, knots_s=KNOTS[:1])
    day(travel=one)
    assert travel_time(one, 0, 4, -1e6) == travel_time(one, 0, 4, 1e6) == 240.0
    assert latest_departure(one, 0, 4, 77.0) == -163.0
