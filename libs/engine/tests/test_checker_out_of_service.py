"""A vehicle out of service stands somewhere, empty: routes that do, and that do not by a little.

The route: drives until 60, serves until 90, carries until 210, serves until 240, drives until 420.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
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
    stop,
)

from atmr_engine.checker import check
from atmr_engine.plan import Plan, StopKind
from atmr_engine.problem import Reserve, TimeWindow, Travel
from atmr_engine.rules import Rule


def judged(of: Plan, *away: tuple[float, float], **changes: object) -> list[float]:
    windows = tuple(TimeWindow(*each) for each in away)
    problem = day(request(), duties=(duty(out_of_service=windows),), **changes)
    violations = check(problem, of)
    assert {each.rule for each in violations} <= {Rule.OUT_OF_SERVICE}
    return [excess for _, _, excess in breaches(violations)]


@pytest.mark.parametrize(
    ("away", "excess_s"),
    [
        ((-100, 0), None),
        ((-100, 1), 1.0),
        ((10, 20), 20.0),
        ((60, 61), 1.0),
        ((100, 110), 20.0),
        ((230, 240), 10.0),
        ((420, 500), None),
        ((419, math.inf), 1.0),
    ],
)
def test_nothing_is_done_while_the_vehicle_is_away(
    away: tuple[float, float], excess_s: float | None
) -> None:
    assert judged(plan(), away) == ([] if excess_s is None else [excess_s])


def test_the_way_back_may_wait_for_the_end_where_the_arrival_says_so() -> None:
    away = (240, 1000)
    assert judged(plan(start(), pickup(60), dropoff(210), end(1180)), away) == []
    assert judged(plan(start(), pickup(60), dropoff(210), end(1179)), away) == [180.0]


def test_the_way_finds_a_gap_between_two_times_away() -> None:
    back = plan(start(), pickup(60), dropoff(210), end(2000))
    assert judged(back, (240, 400), (580, 1900)) == []
    assert judged(back, (240, 401), (580, 1900)) != []


def test_standing_with_somebody_on_board_is_carrying() -> None:
    waits = plan(start(), pickup(60), dropoff(1000, arrival_s=210), end(1210))
    assert judged(waits, (300, 400)) == [310.0]


def test_a_reserve_is_work() -> None:
    kept = stop(StopKind.RESERVE, 3, 240, 540, reserve="R")
    reserves = (Reserve(id="R", window=TimeWindow(240, 540), duration_s=300),)
    of = plan(start(), pickup(60), dropoff(210), kept, end(720))
    assert judged(of, (540, 540), reserves=reserves) == []
    assert judged(of, (530, 535), reserves=reserves) == [10.0]


def test_a_way_that_waits_is_as_long_as_it_is_then() -> None:
    """From 1001 s on every way takes twice as long."""
    travel = Travel(
        time_s=np.stack([60.0 * APART, 120.0 * APART]),
        distance_km=APART,
        knots_s=np.array([999.0, 1001.0]),
    )
    slow = plan(start(), pickup(60), dropoff(210), end(1361))
    quick = plan(start(), pickup(60), dropoff(210), end(1360))
    assert judged(slow, (240, 1001), travel=travel) == []
    assert judged(quick, (240, 1001), travel=travel) == [180.0]
