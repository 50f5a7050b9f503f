"""Promises, reserves, driving limits and the like that cannot be right are refused by name."""

from __future__ import annotations

import math
from typing import Any

import pytest
from support.small_days import day, duty, request, waiver

from atmr_engine.problem import (
    Committed,
    DrivingBreak,
    Load,
    ProblemError,
    Promise,
    Reserve,
    TimeWindow,
)
from atmr_engine.rules import Rule


def reserve(name: str = "R", **changes: Any) -> Reserve:
    return Reserve(id=name, **{"window": TimeWindow(0, 60), "duration_s": 60.0, **changes})


def rest(after_s: float, duration_s: float) -> dict[str, Any]:
    return {"driving_break": DrivingBreak(after_s=after_s, duration_s=duration_s)}


DUTIES: dict[str, dict[str, Any]] = {
    "max_driving_s": {"max_driving_s": math.nan},
    "driving_break.after_s": rest(math.inf, 60),
    "driving_break.duration_s": rest(60, -1),
    "out_of_service[1]": {"out_of_service": (TimeWindow(0, 1), TimeWindow(5, 4))},
    "out_of_service[0].open_s": {"out_of_service": (TimeWindow(-math.inf, 4),)},
    "worked_min": {"worked_min": -1.0},
    "fair_share_min": {"fair_share_min": math.inf},
    "committed[0]": {"committed": (Committed(kind="break"),)},
}


@pytest.mark.parametrize("field", DUTIES)
def test_a_duty_that_cannot_be_right_is_refused(field: str) -> None:
    with pytest.raises(ProblemError) as refusal:
        day(duties=(duty(**DUTIES[field]),))
    assert refusal.value.field == f"duties[0].{field}"


REQUESTS: dict[str, Promise] = {
    "promise.begin_s": Promise(begin_s=math.inf),
    "promise.slack_s": Promise(begin_s=0, slack_s=-1),
}


@pytest.mark.parametrize("field", REQUESTS)
def test_a_promise_that_cannot_be_right_is_refused(field: str) -> None:
    with pytest.raises(ProblemError) as refusal:
        day(request("y"), request(promise=REQUESTS[field]))
    assert refusal.value.field == f"requests[1].{field}"


PROBLEMS: dict[str, dict[str, Any]] = {
    "buffer_s": {"buffer_s": -1.0},
    "reserves[1].id": {"reserves": (reserve(), reserve())},
    "reserves[0].window": {"reserves": (reserve(window=TimeWindow(60, 0)),)},
    "reserves[0].duration_s": {"reserves": (reserve(duration_s=61.0),)},
    "reserves[0].load.seats": {"reserves": (reserve(load=Load(seats=-1)),)},
    "reserves[0].crew": {"reserves": (reserve(crew=-1),)},
    "waivers[0].subject": {"waivers": (waiver(Rule.PROMISE, "A", 1),)},
    "waivers[1].subject": {"waivers": (waiver(Rule.PROMISE, "x", 1), waiver(Rule.DRIVING, "x", 1))},
}


@pytest.mark.parametrize("field", PROBLEMS)
def test_a_problem_that_cannot_be_right_is_refused(field: str) -> None:
    with pytest.raises(ProblemError) as refusal:
        day(request(), **PROBLEMS[field])
    assert refusal.value.field == field


def test_what_can_be_right_is_accepted() -> None:
    stated = duty(
        max_driving_s=0.0,
        out_of_service=(TimeWindow(5, math.inf), TimeWindow(0, 9)),
        fair_share_min=0.0,
        committed=(Committed(kind="break"), Committed(kind="break")),
        **rest(0, 0),
    )
    day(
        request(published_duty="of yesterday", promise=Promise(begin_s=-60, slack_s=0)),
        duties=(stated,),
        reserves=(reserve(), reserve("S", duration_s=0.0, window=TimeWindow(5))),
        waivers=(waiver(Rule.PROMISE, "x", 1), waiver(Rule.DRIVING, "A", 1)),
        buffer_s=600.0,
    )
