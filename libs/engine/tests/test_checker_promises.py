"""Times that patients were told: a rule where they are hard, a price where they are not."""

from __future__ import annotations

import pytest
from support.small_days import breaches, day, duty, plan, request, waiver

from atmr_engine.checker import check, feasible_times
from atmr_engine.objective import evaluate
from atmr_engine.plan import StopKind
from atmr_engine.problem import Problem, Promise
from atmr_engine.rules import Rule
from atmr_engine.weights import Weights

TRIP = [(StopKind.PICKUP, "x"), (StopKind.DROPOFF, "x")]


def promised(begin_s: float, *, hard: bool = True, slack_s: float = 300.0) -> Problem:
    return day(request(promise=Promise(begin_s=begin_s, slack_s=slack_s, hard=hard)))


@pytest.mark.parametrize(
    ("begin_s", "excess_s"), [(60, None), (360, None), (361, 1.0), (-240, None), (-242, 2.0)]
)
def test_a_hard_promise_is_kept_within_its_slack_either_way(
    begin_s: float, excess_s: float | None
) -> None:
    expected = [] if excess_s is None else [(Rule.PROMISE, "x", excess_s)]
    assert breaches(check(promised(begin_s), plan())) == expected


def test_a_soft_promise_is_no_rule() -> None:
    assert check(promised(3000, hard=False), plan()) == []


def test_a_promise_yields_to_a_waiver_that_is_large_enough() -> None:
    assert check(promised(370), plan(), [waiver(Rule.PROMISE, "x", 10)]) == []
    assert breaches(check(promised(370), plan(), [waiver(Rule.PROMISE, "x", 9)])) == [
        (Rule.PROMISE, "x", 1.0)
    ]


@pytest.mark.parametrize("hard", [True, False])
@pytest.mark.parametrize(("begin_s", "minutes"), [(60, 0), (360, 0), (390, 0.5), (-360, 2.0)])
def test_minutes_beyond_the_slack_have_a_price(begin_s: float, minutes: float, hard: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    cost = evaluate(promised(begin_s, hard=hard), plan())
    assert cost.promise_min == pytest.approx(minutes)
    problem = day(
        request(promise=Promise(begin_s=begin_s, hard=hard)),
        weights=Weights(promise_min=7.0, lateness_min=0.0),
    )
    rest = evaluate(day(request(), weights=problem.weights), plan()).total
    assert evaluate(problem, plan()).total == pytest.approx(7.0 * minutes + rest)


def test_timetables_keep_hard_promises() -> None:
    route = feasible_times(promised(1000), duty(), TRIP)
    assert route is not None
    assert route.stops[1].begin_s == pytest.approx(700.0)
    assert feasible_times(promised(-241), duty(), TRIP) is None
    late = feasible_times(promised(-241), duty(), TRIP, [waiver(Rule.PROMISE, "x", 1)])
    assert late is not None
    assert late.stops[1].begin_s == pytest.approx(60.0)
