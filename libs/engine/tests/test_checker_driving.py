"""Driving limits on hand-made routes: kept at the limit, broken a second beyond it."""

from __future__ import annotations

import pytest
from support.small_days import (
    breaches,
    day,
    dropoff,
    duty,
    end,
    pause,
    pickup,
    plan,
    request,
    start,
    waiver,
)

from atmr_engine.checker import check
from atmr_engine.plan import Plan, PlannedStop
from atmr_engine.problem import Break, DrivingBreak, Duty, TimeWindow
from atmr_engine.rules import Rule


def resting(after_s: float, duration_s: float, **changes: object) -> Duty:
    rest = DrivingBreak(after_s=after_s, duration_s=duration_s)
    return duty(driving_break=rest, **changes)


def with_pauses(*pauses: PlannedStop) -> Plan:
    """180 s of driving, the pauses from 240 s on, 180 s of driving."""
    back = max((each.end_s for each in pauses), default=240.0) + 180
    return plan(start(), pickup(60), dropoff(210), *pauses, end(back))


def judged(bound: Duty, of: Plan) -> list[tuple[Rule, str, float]]:
    return breaches(check(day(request(), duties=(bound,)), of))


@pytest.mark.parametrize(("limit_s", "excess_s"), [(360.0, None), (359.0, 1.0), (0.0, 360.0)])
def test_driving_of_the_day_is_the_ways_alone(limit_s: float, excess_s: float | None) -> None:
    waits = plan(start(), pickup(600), dropoff(750), end(960))
    expected = [] if excess_s is None else [(Rule.DRIVING, "A", excess_s)]
    assert judged(duty(max_driving_s=limit_s), plan()) == expected
    assert judged(duty(max_driving_s=limit_s), waits) == expected


def test_a_break_that_is_long_enough_begins_the_driving_anew() -> None:
    assert judged(resting(180, 60), with_pauses(pause(240, 300))) == []
    assert judged(resting(179, 60), with_pauses(pause(240, 300))) == [(Rule.DRIVING, "A", 1.0)]
    assert judged(resting(359, 60), with_pauses()) == [(Rule.DRIVING, "A", 1.0)]


def test_a_break_that_is_too_short_is_none() -> None:
    short = with_pauses(pause(240, 299))
    assert judged(resting(180, 60), short) == [(Rule.BREAK, "A", 1.0), (Rule.DRIVING, "A", 180.0)]
    window = Break(duration_s=30, window=TimeWindow(240, 240))
    assert judged(resting(180, 60, breaks=(window,)), short) == [(Rule.DRIVING, "A", 180.0)]


def test_one_stop_may_be_both_kinds_of_break() -> None:
    window = Break(duration_s=60, window=TimeWindow(240, 240))
    assert judged(resting(180, 60, breaks=(window,)), with_pauses(pause(240, 300))) == []


def test_a_stop_that_is_a_break_from_driving_alone_leaves_the_other_owed() -> None:
    window = Break(duration_s=60, window=TimeWindow(300, 400))
    once, twice = with_pauses(pause(240, 300)), with_pauses(pause(240, 300), pause(300, 360))
    assert judged(resting(180, 60, breaks=(window,)), once) == [(Rule.BREAK, "A", 60.0)]
    assert judged(resting(180, 60, breaks=(window,)), twice) == []


def test_a_break_that_the_duty_has_not_needs_a_reason() -> None:
    assert judged(duty(), with_pauses(pause(240, 300))) == [(Rule.BREAK, "A", 1.0)]
    assert judged(resting(1e6, 60), with_pauses(pause(240, 300))) == []


def test_a_waiver_reaches_the_day_and_the_stretch() -> None:
    problem = day(request(), duties=(resting(350, 60, max_driving_s=355),))
    assert breaches(check(problem, plan())) == [
        (Rule.DRIVING, "A", 5.0),
        (Rule.DRIVING, "A", 10.0),
    ]
    assert check(problem, plan(), [waiver(Rule.DRIVING, "A", 10)]) == []
    assert breaches(check(problem, plan(), [waiver(Rule.DRIVING, "A", 9)])) == [
        (Rule.DRIVING, "A", 1.0)
    ]
