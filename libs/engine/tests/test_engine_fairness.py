"""Fair shares of the week, and the key figures that show how even it is."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.small_days import day, dropoff, duty, end, pickup, plan, request, route, start

from atmr_engine.fairness import fair_shares, with_fairness, working_minutes
from atmr_engine.kpi import measure
from atmr_engine.objective import evaluate
from atmr_engine.plan import Plan
from atmr_engine.problem import DriverKind, Duty, Problem, Promise

DUTIES = (
    duty("A", worked_min=93),
    duty("B", worked_min=20),
    duty("E", worked_min=500, driver_kind=DriverKind.EMERGENCY),
)
DAY = day(request(), duties=DUTIES)


def test_the_share_is_the_mean_week_of_the_regular_duties() -> None:
    """A worked 93 and drives 7 today, B worked 20 and stays at home."""
    assert working_minutes(DAY, plan()) == {"A": 7.0, "B": 0.0, "E": 0.0}
    assert fair_shares(DAY, plan()) == {"A": 60.0, "B": 60.0}
    alone = day(duties=(duty("E", driver_kind=DriverKind.EMERGENCY),))
    assert fair_shares(alone, Plan(routes=())) == {}


def test_a_problem_takes_the_shares_of_its_base_plan() -> None:
    fair = with_fairness(DAY, plan(), 2.0)
    assert [each.fair_share_min for each in fair.duties] == [60.0, 60.0, None]
    assert fair.weights.fairness_h2 == 2.0
    assert evaluate(fair, plan()).fairness_h2 == pytest.approx(2 * (40 / 60) ** 2)
    with pytest.raises(ValueError, match="fairness_h2"):
        with_fairness(DAY, plan(), -1.0)
    with pytest.raises(ValueError, match="fairness_h2"):
        with_fairness(DAY, plan(), math.nan)


@given(worked=st.lists(st.floats(0, 3_000), min_size=1, max_size=6), moved=st.floats(0, 600))
def test_no_sum_of_squares_is_less_than_that_of_the_shares(
    worked: list[float], moved: float
) -> None:
    """Around the mean, moving work from the busiest to the idlest duty never costs more."""
    duties = tuple(duty(str(n), worked_min=minutes) for n, minutes in enumerate(worked))
    fair = with_fairness(day(duties=duties), Plan(routes=()), 1.0)
    before = evaluate(fair, Plan(routes=())).fairness_h2
    mean = sum(worked) / len(worked)
    assert before == pytest.approx(sum(((w - mean) / 60) ** 2 for w in worked), abs=1e-6)
    high, low = max(worked), min(worked)
    step = min(moved, (high - low) / 2)
    evener = [*sorted(worked)[1:-1], high - step, low + step] if len(worked) > 1 else worked
    after = sum(((w - mean) / 60) ** 2 for w in evener)
    assert after <= before + 1e-6


def measured(*duties: Duty, of: Plan | None = None) -> tuple[float | None, float | None]:
    problem = day(request(), duties=duties)
    figures = measure(problem, of or plan())
    return figures.week_spread_min, figures.week_deviation_min


def test_the_week_is_the_drivers_and_counts_today() -> None:
    assert measured(*DUTIES) == (pytest.approx(80.0), pytest.approx(40.0))
    halves = (
        duty("A", driver="Ana", worked_min=93),
        duty("C", driver="Ana", worked_min=93),
        duty("B", worked_min=20),
    )
    both = Plan(routes=(route(), route(start(), pickup(60, "y"), dropoff(210, "y"), end(), on="C")))
    figures = measure(day(request(), request("y"), duties=halves), both)
    assert figures.week_spread_min == pytest.approx(93 + 14 - 20)
    assert figures.week_deviation_min == pytest.approx((93 + 14 - 20) / 2)
    assert (figures.working_spread_min, figures.trip_gap) == (pytest.approx(7.0), 1)


def test_a_day_of_nobody_has_no_spread() -> None:
    nobody = Problem(requests=(), duties=(), travel=DAY.travel)
    figures = measure(nobody, Plan(routes=()))
    assert (figures.week_spread_min, figures.week_deviation_min) == (0.0, 0.0)


@pytest.mark.parametrize(("begin_s", "told", "kept"), [(360, {}, 1), (361, {}, 0), (361, 60, 1)])
def test_a_pickup_is_held_against_the_requests_promise_unless_told_otherwise(
    begin_s: float, told: object, kept: int
) -> None:
    problem = day(request(promise=Promise(begin_s=begin_s, slack_s=1e6)))
    promises = {"x": 60.0} if told else None
    assert measure(problem, plan(), promises).pickups_on_time == kept
