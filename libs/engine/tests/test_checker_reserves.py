"""Capacity in reserve: kept once or named as missing, whole, in its window, by one who could."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.small_days import (
    breaches,
    day,
    dropoff,
    duty,
    end,
    pickup,
    plan,
    request,
    route,
    start,
    stop,
)

from atmr_engine.checker import check
from atmr_engine.objective import evaluate
from atmr_engine.plan import Plan, PlannedStop, StopKind
from atmr_engine.problem import Capacity, Load, Reserve, TimeWindow
from atmr_engine.rules import Rule
from atmr_engine.weights import Weights

RESERVE = Reserve(
    id="R",
    window=TimeWindow(240, 540),
    duration_s=300,
    load=Load(seats=1, wheelchairs=1),
    equipment=frozenset({"oxygen"}),
    skills=frozenset({"stairs"}),
    crew=2,
)
ABLE = duty(
    capacity=Capacity(seats=2, wheelchairs=1, fold_seats_per_wheelchair=1),
    equipment=frozenset({"oxygen"}),
    skills=frozenset({"stairs"}),
    crew=2,
)


def block(begin: float, until: float, reserve: str | None = "R", place: int = 3) -> PlannedStop:
    return stop(StopKind.RESERVE, place, begin, until, reserve=reserve)


def keeping(*blocks: PlannedStop, **more: Any) -> Plan:
    return plan(start(), pickup(60), dropoff(210), *blocks, end(blocks[-1].end_s + 180), **more)


def judged(of: Plan, reserve: Reserve = RESERVE, **changes: Any) -> list[tuple[Rule, str, float]]:
    problem = day(request(), duties=(replace(ABLE, **changes),), reserves=(reserve,))
    return breaches(check(problem, of))


def test_a_reserve_is_kept_at_every_limit() -> None:
    assert judged(keeping(block(240, 540))) == []


WRONG: dict[str, tuple[dict[str, Any], tuple[Rule, str, float]]] = {
    "a seat less": ({"capacity": Capacity(seats=2, wheelchairs=0)}, (Rule.CAPACITY, "R", 1)),
    "a folded seat more": (
        {"capacity": Capacity(seats=2, wheelchairs=1, fold_seats_per_wheelchair=2)},
        (Rule.CAPACITY, "R", 1),
    ),
    "no oxygen": ({"equipment": frozenset()}, (Rule.EQUIPMENT, "R", 1)),
    "no stairs": ({"skills": frozenset()}, (Rule.SKILLS, "R", 1)),
    "alone": ({"crew": 1}, (Rule.CREW, "R", 1)),
}


@pytest.mark.parametrize("name", WRONG)
def test_only_who_could_carry_it_keeps_a_reserve(name: str) -> None:
    changes, breach = WRONG[name]
    assert judged(keeping(block(240, 540)), **changes) == [breach]


def test_the_whole_block_lies_in_the_window() -> None:
    long = replace(RESERVE, window=TimeWindow(241, 1000))
    assert judged(keeping(block(240, 540)), long) == [(Rule.RESERVE, "R", 1.0)]
    assert judged(keeping(block(241, 541)), long) == []
    assert judged(keeping(block(241, 541))) == [(Rule.RESERVE, "R", 1.0)]
    assert judged(keeping(block(240, 539))) == [(Rule.RESERVE, "R", 1.0)]


def test_nobody_is_on_board_and_the_vehicle_stands_where_it_is() -> None:
    riding = plan(start(), pickup(60), block(240, 540, place=1), dropoff(660), end(870))
    assert judged(riding) == [(Rule.RESERVE, "R", 1.0)]
    elsewhere = keeping(block(300, 600, place=4))
    problem = replace(RESERVE, window=TimeWindow(240, 600))
    assert (Rule.TRAVEL, "A", 1.0) in judged(elsewhere, problem)


def test_a_reserve_is_kept_once_or_named_once() -> None:
    two = replace(RESERVE, window=TimeWindow(240, 900))
    assert judged(plan(unreserved=("R",))) == []
    assert judged(plan()) == [(Rule.COVERAGE, "R", 1)]
    assert judged(plan(unreserved=("R", "R"))) == [(Rule.COVERAGE, "R", 1)]
    assert judged(keeping(block(240, 540), unreserved=("R",))) == [(Rule.COVERAGE, "R", 1)]
    assert judged(keeping(block(240, 540), block(540, 840)), two) == [(Rule.COVERAGE, "R", 1)]


@pytest.mark.parametrize(("name", "subject"), [("other", "other"), (None, "")])
def test_a_stranger_is_no_reserve(name: str | None, subject: str) -> None:
    of = keeping(block(240, 540), block(540, 600, name))
    assert judged(of) == [(Rule.COVERAGE, subject, 1)]


def test_a_duty_may_do_nothing_else() -> None:
    """At home with the reserve, from 240 to 540: 5 minutes of work, no way."""
    idle = Plan(
        routes=(route(), route(start(240), block(240, 540, place=0), end(540), on="B")),
    )
    problem = day(request(), duties=(duty(), replace(ABLE, id="B")), reserves=(RESERVE,))
    assert check(problem, idle) == []
    cost = evaluate(problem, idle)
    assert cost.working_min == pytest.approx(7.0 + 5.0)
    assert (cost.duties_used, cost.distance_km, cost.unreserved) == (1, 6.0, 0)


def test_a_reserve_that_nobody_keeps_has_a_price() -> None:
    weights = replace(Weights.distance_only(), distance_km=0.0, unreserved=200.0)
    problem = day(request(), duties=(ABLE,), reserves=(RESERVE,), weights=weights)
    assert evaluate(problem, keeping(block(240, 540))).total == 0.0
    left = evaluate(problem, plan(unreserved=("R",)))
    assert (left.unreserved, left.total) == (1, 200.0)
    assert evaluate(problem, plan()).unreserved == 1
