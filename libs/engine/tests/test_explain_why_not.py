from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atmr_engine import (
    Break,
    Budget,
    Capacity,
    Duty,
    Link,
    Load,
    Plan,
    Problem,
    Request,
    Rule,
    SameDriver,
    TimeWindow,
    Travel,
    Visit,
    Weights,
    solve,
)
from atmr_engine.explain.levers import TIMES, Lever, worth_s
from atmr_engine.explain.smallest import smallest
from atmr_engine.explain.why_not import WhyNot, prove, why_not
from atmr_engine.online.desk import Desk, RefusedError
from atmr_engine.simulate.rich_problems import RichDay, rich_problem

HOUR = 3600.0
MINUTE = 60.0


def plain_offer(problem: Problem, plan: Plan, answer: WhyNot) -> bool:
    desk = Desk.open(problem, plan)
    offers = desk.offers(answer.request, len(problem.duties))
    return any(o.duty == answer.duty and not o.moves_breaks for o in offers)


def a_little_less(answer: WhyNot, lever: Lever) -> WhyNot | None:
    amounts = dict(answer.relaxation or {})
    amounts[lever] -= 2 if lever in TIMES else 1
    if amounts[lever] < 0:
        return None
    return replace(answer, relaxation={k: n for k, n in amounts.items() if n})


@settings(max_examples=25, deadline=None)
@given(
    day=st.builds(
        RichDay,
        requests=st.integers(2, 12),
        duties=st.integers(1, 3),
        size_km=st.sampled_from([4.0, 12.0]),
        triangle=st.booleans(),
        waivers=st.booleans(),
        wishes=st.booleans(),
        unsteady=st.booleans(),
    ),
    seed=st.integers(0, 10_000),
)
def test_the_smallest_relaxation_is_enough_and_a_little_less_is_not(
    day: RichDay, seed: int
) -> None:
    problem = rich_problem(day, seed, Weights())
    plan = solve(problem, Budget(iterations=20), seed)
    for unserved in plan.unserved[:3]:
        answers = why_not(problem, plan, unserved.request, proved=0)
        assert {a.duty for a in answers} == {duty.id for duty in problem.duties}
        nearness = [a.nearness_s for a in answers]
        assert nearness == sorted(nearness)
        for answer in answers:
            if answer.rule is None or answer.relaxation is None:
                continue
            assert answer.relaxation
            assert answer.excess > 0
            proof = prove(problem, plan, answer)
            route = next(route for route in proof.routes if route.duty == answer.duty)
            assert answer.request in route.requests
            for lever in answer.relaxation:
                less = a_little_less(answer, lever)
                if less is not None:
                    assert not plain_offer(less.granted(problem), plan, less)


def test_nearly_everything_can_be_had_for_something() -> None:
    helped, rules = [], set()
    for seed in range(8):
        problem = rich_problem(RichDay(12, 3), seed, Weights())
        plan = solve(problem, Budget(iterations=20), seed)
        for unserved in plan.unserved[:4]:
            for answer in why_not(problem, plan, unserved.request, proved=0):
                helped.append(answer.relaxation is not None)
                rules.add(answer.rule)
    assert all(helped)
    assert len(rules) > 4


# ---- small days by hand: a row of places, ten minutes apart


def request(name: str = "ill", at_s: float = 10 * HOUR, **changes: object) -> Request:
    window = TimeWindow(at_s - 30 * MINUTE, at_s)
    plain = Request(id=name, pickup=Visit(place=1), dropoff=Visit(place=2, window=window))
    return replace(plain, **changes)


def duty(name: str = "early", **changes: object) -> Duty:
    shift = TimeWindow(6.5 * HOUR, 14 * HOUR)
    plain = Duty(id=name, capacity=Capacity(seats=2), shift=shift, start_place=0, end_place=0)
    return replace(plain, **changes)


def day(requests: list[Request], duties: list[Duty]) -> Problem:
    apart = np.abs(np.arange(4.0)[:, None] - np.arange(4.0)[None])
    travel = Travel(time_s=apart * 10 * MINUTE, distance_km=apart)
    return Problem(
        requests=tuple(requests),
        duties=tuple(duties),
        travel=travel,
        origin=datetime(2026, 3, 16, tzinfo=ZoneInfo("Europe/Zurich")),
    )


def first(problem: Problem, name: str = "ill") -> WhyNot:
    return why_not(problem, solve(problem, Budget(iterations=20)), name)[0]


AT_NOON = TimeWindow(12 * HOUR, 12 * HOUR)


@pytest.mark.parametrize(
    ("asked", "offered", "rule", "excess", "relaxation", "words"),
    [
        ({"load": Load(seats=3)}, {}, Rule.CAPACITY, 1, {Lever.SEATS: 1}, "if it had a seat more"),
        (
            {"load": Load(wheelchairs=2)},
            {},
            Rule.CAPACITY,
            2,
            {Lever.WHEELCHAIRS: 2},
            "2 wheelchair places more",
        ),
        ({"skills": frozenset("s")}, {}, Rule.SKILLS, 1, {Lever.SKILLS: 1}, "its driver had s"),
        ({"equipment": frozenset("o")}, {}, Rule.EQUIPMENT, 1, {Lever.EQUIPMENT: 1}, "it had o"),
        ({"crew": 2}, {}, Rule.CREW, 1, {Lever.CREW: 1}, "a crew of 2"),
        (
            {"dropoff": Visit(place=2, window=TimeWindow(0, 6.5 * HOUR + 10 * MINUTE))},
            {},
            Rule.SHIFT,
            600,
            {Lever.LATER: 600},
            "served 10 min late (from 06:40, to be there by 06:50)",
        ),
        (
            {"pickup": Visit(place=1, window=TimeWindow(13.6 * HOUR)), "dropoff": Visit(place=2)},
            {},
            Rule.SHIFT,
            360,
            {Lever.EARLIER: 360},
            "served 6 min early",
        ),
        (
            {"max_ride_s": 8.5 * MINUTE},
            {},
            Rule.RIDE_TIME,
            90,
            {Lever.RIDE: 90},
            "ride might be 2 min longer",
        ),
        (
            {},
            {"max_duration_s": 20 * MINUTE},
            Rule.DURATION,
            1200,
            {Lever.DURATION: 1200},
            "on the way 20 min longer",
        ),
        (
            {"pickup": Visit(place=1, window=AT_NOON), "dropoff": Visit(place=2)},
            {"breaks": (Break(duration_s=HOUR, window=TimeWindow(11.5 * HOUR, 11.6 * HOUR)),)},
            Rule.BREAK,
            2040,
            {Lever.EARLIER: 2040},  # no more than its break later
            "a break stands in the way; it could if the request might be served 34 min early",
        ),
    ],
)
def test_one_duty_says_what_it_would_take(
    asked: dict[str, object],
    offered: dict[str, object],
    rule: Rule,
    excess: float,
    relaxation: dict[Lever, int],
    words: str,
) -> None:
    answer = first(day([request(**asked)], [duty(**offered)]))
    assert (answer.rule, answer.excess, answer.relaxation) == (rule, excess, relaxation)
    assert words in answer.sentence


def test_two_rules_at_once_are_both_named() -> None:
    window = TimeWindow(0, 6.5 * HOUR + 10 * MINUTE)
    hasty = request(dropoff=Visit(place=2, window=window), max_ride_s=5 * MINUTE)
    answer = first(day([hasty], [duty()]))
    assert answer.relaxation == {Lever.LATER: 600, Lever.RIDE: 300}
    assert (answer.rule, answer.excess) == (Rule.RIDE_TIME, 300)
    assert "served 10 min late and the ride might be 5 min longer" in answer.sentence


def test_the_nearest_duty_comes_first() -> None:
    late = request(at_s=14 * HOUR)
    duties = [duty("far"), duty("near")]
    duties[0] = replace(duties[0], shift=TimeWindow(6.5 * HOUR, 12 * HOUR))
    duties[1] = replace(duties[1], shift=TimeWindow(6.5 * HOUR, 13.5 * HOUR))
    problem = day([late], duties)
    answers = why_not(problem, solve(problem, Budget(iterations=0)), "ill")
    assert [a.duty for a in answers] == ["near", "far"]
    assert answers[0].relaxation in ({Lever.SHIFT_END: 1200}, {Lever.EARLIER: 1200})
    assert answers[0].rule in {Rule.WINDOW, Rule.SHIFT}


def test_sharing_pins_and_drivers() -> None:
    alone = request("alone", ride_alone=True, dropoff=Visit(place=2, window=AT_NOON))
    other = request("other", dropoff=Visit(place=2, window=AT_NOON), locked_duty="two")
    problem = day([alone, other], [duty("one", skills=frozenset("x")), duty("two", crew=2)])
    desk = Desk.open(problem)
    desk.insert("alone", desk.offer_of("alone", "two"))
    answers = {a.duty: a for a in why_not(problem, desk.plan(), "other", proved=2)}
    assert answers["one"].rule is Rule.LOCK
    assert answers["one"].relaxation == {Lever.UNPIN: 1}
    assert "pinned to duty two" in answers["one"].sentence
    assert answers["two"].rule in {Rule.SHARING, Rule.WINDOW}
    back = Request(
        id="back",
        pickup=Visit(place=2, window=TimeWindow(13 * HOUR, 14 * HOUR)),
        dropoff=Visit(place=1),
        skills=frozenset("x"),
        link=Link(after="alone", stay_s=HOUR, same_driver=SameDriver.REQUIRE),
    )
    desk.add(back)
    drivers = {a.duty: a for a in why_not(desk.problem, desk.plan(), "back", proved=2)}
    assert drivers["one"].relaxation == {Lever.DRIVER: 1}
    assert drivers["two"].relaxation == {Lever.SKILLS: 1}
    assert drivers["one"].rule is Rule.LINK


def test_a_duty_that_could_says_so() -> None:
    problem = day([request()], [duty()])
    desk = Desk.open(problem)
    answer = why_not(problem, desk.plan(), "ill")[0]
    assert (answer.rule, answer.relaxation, answer.nearness_s) == (None, {}, 0.0)
    assert "could serve it as things stand" in answer.sentence
    desk.insert("ill")
    with pytest.raises(RefusedError, match="served by duty 'early'"):
        why_not(problem, desk.plan(), "ill")


def test_where_there_is_no_way_nothing_helps() -> None:
    nowhere = np.full((4, 4), np.inf)
    np.fill_diagonal(nowhere, 0.0)
    problem = replace(
        day([request()], [duty()]), travel=Travel(time_s=nowhere, distance_km=nowhere)
    )
    answer = first(problem)
    assert (answer.rule, answer.relaxation, answer.nearness_s) == (Rule.TRAVEL, None, math.inf)
    assert "nothing that could be granted" in answer.sentence
    with pytest.raises(ValueError, match="nothing lets"):
        answer.granted(problem)


@settings(max_examples=100, deadline=None)
@given(
    need=st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 2)), min_size=1, max_size=4
    )
)
def test_the_search_finds_the_least_of_one_or_two_levers(need: list[tuple[int, int, int]]) -> None:
    """It fits where any of some corners is reached: the truth is found by trying all."""
    levers = (Lever.LATER, Lever.SHIFT_END, Lever.SEATS)
    most = {Lever.LATER: 30, Lever.SHIFT_END: 30, Lever.SEATS: 1}

    def fits(amounts: dict[Lever, int]) -> bool:
        return any(
            all(amounts.get(lever, 0) >= n for lever, n in zip(levers, corner, strict=True))
            for corner in need
        )

    found = smallest(fits, most)
    reachable = [
        {lever: n for lever, n in zip(levers, corner, strict=True) if n}
        for corner in need
        if all(n <= most[lever] for lever, n in zip(levers, corner, strict=True))
    ]
    if not reachable:
        assert found is None
        return
    assert found is not None
    assert fits(found)
    fewest = min(len(corner) for corner in reachable)
    assert len(found) == fewest
    if fewest == 1:
        least = min(worth_s(c) for c in reachable if len(c) == 1)
        assert worth_s(found) == least
    for lever in found:
        assert not fits({**found, lever: found[lever] - 1})
