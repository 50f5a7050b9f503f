from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from atmr_engine import (
    Break,
    Budget,
    Capacity,
    Duty,
    Load,
    Problem,
    Request,
    TimeWindow,
    Travel,
    Unserved,
    Visit,
    solve,
)
from atmr_engine.problem import ProblemError
from atmr_engine.rules import Rule
from atmr_engine.sentences import moment

MINUTE = 60.0
HOUR = 3600.0


def request(name: str = "ill", **changes: Any) -> Request:
    at = Visit(place=2, window=TimeWindow(9.5 * HOUR, 10 * HOUR))
    plain = Request(id=name, pickup=Visit(place=1), dropoff=at)
    return replace(plain, **changes)


def duty(name: str = "early", **changes: Any) -> Duty:
    shift = TimeWindow(6.5 * HOUR, 14 * HOUR)
    plain = Duty(id=name, capacity=Capacity(seats=2), shift=shift, start_place=0, end_place=0)
    return replace(plain, **changes)


def reason(requests: list[Request], duties: list[Duty]) -> Unserved:
    apart = np.abs(np.arange(4.0)[:, None] - np.arange(4.0)[None])
    travel = Travel(time_s=apart * 10 * MINUTE, distance_km=apart)
    problem = Problem(requests=tuple(requests), duties=tuple(duties), travel=travel)
    plan = solve(problem, Budget(iterations=10))
    assert len(plan.unserved) == 1
    return plan.unserved[0]


TOO_EARLY = Visit(place=2, window=TimeWindow(0.0, 6 * HOUR + 10 * MINUTE))
SHUT = Visit(place=2, window=TimeWindow(0.0, 5 * MINUTE))


@pytest.mark.parametrize(
    ("asked", "offered", "rule", "words"),
    [
        ({"load": Load(wheelchairs=1)}, {}, Rule.CAPACITY, "no duty has a wheelchair place"),
        ({"load": Load(seats=3)}, {}, Rule.CAPACITY, "no duty has 3 seats (the most is 2)"),
        ({"skills": frozenset({"stairs"})}, {}, Rule.SKILLS, "skills it needs: stairs"),
        ({"equipment": frozenset({"oxygen"})}, {}, Rule.EQUIPMENT, "oxygen"),
        ({"crew": 2}, {}, Rule.CREW, "crew of 2"),
        ({"locked_duty": "early", "crew": 2}, {}, Rule.CREW, "pinned to duty early"),
        (
            {"dropoff": TOO_EARLY},
            {},
            Rule.SHIFT,
            "by 06:10, and the shifts run from 06:30 to 14:00",
        ),
        ({"max_ride_s": 5 * MINUTE}, {}, Rule.RIDE_TIME, "takes 10 min, and it may ride 5 min"),
        ({}, {"max_duration_s": 20 * MINUTE}, Rule.DURATION, "on the way longer"),
        (
            {},
            {"breaks": (Break(duration_s=5 * HOUR, window=TimeWindow(7 * HOUR, 9 * HOUR)),)},
            Rule.BREAK,
            "breaks leave no room",
        ),
        (
            {"dropoff": SHUT},
            {"shift": TimeWindow(0.0, HOUR)},
            Rule.WINDOW,
            "in time: it must be at its destination by 00:05",
        ),
    ],
)
def test_a_request_that_fits_no_empty_duty(
    asked: dict[str, Any], offered: dict[str, Any], rule: Rule, words: str
) -> None:
    entry = reason([request(**asked)], [duty(**offered)])
    assert entry.rule is rule
    assert words in entry.reason


@pytest.mark.parametrize(
    ("changes", "rule", "words"),
    [
        ({"ride_alone": True}, Rule.SHARING, "may not ride together"),
        ({"load": Load(seats=2)}, Rule.CAPACITY, "places are taken"),
    ],
)
def test_a_request_for_which_the_plan_has_no_room(
    changes: dict[str, Any], rule: Rule, words: str
) -> None:
    narrow = Visit(place=2, window=TimeWindow(10 * HOUR, 10 * HOUR + MINUTE))
    both = [request(name, dropoff=narrow, **changes) for name in ("one", "two")]
    entry = reason(both, [duty()])
    assert entry.rule is rule
    assert words in entry.reason
    assert "the only one that could carry it" in entry.reason


def test_a_request_whose_time_is_taken() -> None:
    narrow = TimeWindow(10 * HOUR, 10 * HOUR + MINUTE)
    both = [
        request("one", dropoff=Visit(place=2, window=narrow)),
        request("two", pickup=Visit(place=3), dropoff=Visit(place=1, window=narrow)),
    ]
    entry = reason(both, [duty(), duty("weak", capacity=Capacity(seats=0))])
    assert entry.rule is Rule.WINDOW
    assert "no other moment" in entry.reason


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "00:00"),
        (6 * HOUR + 10 * MINUTE, "06:10"),
        (25 * HOUR, "25:00"),
        (1.7e9, "second 1700000000"),
    ],
)
def test_moments(seconds: float, words: str) -> None:
    assert moment(empty_problem(None), seconds) == words


@pytest.mark.parametrize(
    ("day", "seconds", "words"),
    [
        (date(2026, 3, 16), 6 * HOUR + 10 * MINUTE, "06:10"),
        (date(2026, 3, 16), 25 * HOUR, "01:00 the next day"),
        (date(2026, 3, 29), 6 * HOUR, "07:00"),  # an hour was skipped at two
        (date(2026, 10, 25), 6 * HOUR, "05:00"),  # an hour came twice
    ],
)
def test_moments_are_local_where_the_day_is_known(day: date, seconds: float, words: str) -> None:
    origin = datetime.combine(day, time.min, tzinfo=ZoneInfo("Europe/Zurich"))
    assert moment(empty_problem(origin), seconds) == words


def test_an_origin_without_a_zone_is_refused() -> None:
    with pytest.raises(ProblemError, match="origin"):
        empty_problem(datetime(2026, 3, 16))  # noqa: DTZ001 (naive on purpose)


def empty_problem(origin: datetime | None) -> Problem:
    nowhere = np.zeros((1, 1))
    travel = Travel(time_s=nowhere, distance_km=nowhere)
    return Problem(requests=(), duties=(), travel=travel, origin=origin)
