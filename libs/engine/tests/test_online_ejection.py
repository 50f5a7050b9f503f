from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atmr_engine import (
    Capacity,
    Committed,
    Cost,
    Duty,
    Load,
    Problem,
    Request,
    TimeWindow,
    Travel,
    Visit,
    Weights,
    evaluate,
)
from atmr_engine.difference import services
from atmr_engine.online.desk import Desk, RefusedError
from atmr_engine.online.ejection import ejection_chain, follow
from atmr_engine.simulate.rich_problems import RichDay, rich_problem

HOUR = 3600.0
MINUTE = 60.0


def row_travel() -> Travel:
    apart = np.abs(np.arange(5.0)[:, None] - np.arange(5.0)[None])
    return Travel(time_s=apart * 10 * MINUTE, distance_km=apart)


def crowded_day(day: RichDay, seed: int) -> Problem:
    """A rich day on which nearly every duty may carry nearly everybody, so that time decides."""
    problem = rich_problem(day, seed, Weights())
    requests = tuple(
        replace(r, load=Load(seats=1), crew=1, locked_duty=None, equipment=frozenset())
        for r in problem.requests
    )
    return replace(problem, requests=requests)


@settings(max_examples=25, deadline=None)
@given(
    requests=st.integers(4, 18),
    duties=st.integers(1, 3),
    seed=st.integers(0, 10_000),
    triangle=st.booleans(),
)
def test_a_chain_keeps_every_rule_and_costs_what_it_says(
    requests: int,
    duties: int,
    seed: int,
    triangle: bool,  # noqa: FBT001 (Hypothesis draws it)
) -> None:
    day = RichDay(requests, duties, size_km=12.0, triangle=triangle)
    desk = Desk.open(crowded_day(day, seed))
    names = [request.id for request in desk.problem.requests]
    desk.told = dict.fromkeys(names, 0.0)
    for name in names:
        if desk.offers(name, 1):
            desk.insert(name)
    for name in [n for n in names if not desk.is_served(n)]:
        before, routes, served = desk.cost(), desk.routes(), services(desk.routes())
        chain = ejection_chain(desk, name, 2)
        assert desk.routes() == routes
        if chain is None:
            continue
        assert chain.moves[0].request == name
        follow(desk, chain)
        assert desk.check() == []
        now = services(desk.routes())
        assert now.keys() == served.keys() | {name}
        after = evaluate(desk.problem, desk.plan())
        for item in fields(Cost):
            difference = getattr(after, item.name) - getattr(before, item.name)
            assert getattr(chain.added, item.name) == pytest.approx(difference, abs=1e-6)
        for move in chain.moves:
            assert (now[move.request].duty, now[move.request].pickup_s) == (
                move.to_duty,
                move.pickup_s,
            )
        assert {move.request for move in chain.moves} - {name} <= {
            m.request for m in chain.moved
        } | {move.request for move in chain.moves if move.from_duty == move.to_duty}


def test_some_days_have_chains() -> None:
    found = 0
    for seed in range(12):
        desk = Desk.open(crowded_day(RichDay(20, 3, size_km=12.0), seed))
        for request in desk.problem.requests:
            if desk.offers(request.id, 1):
                desk.insert(request.id)
            else:
                found += ejection_chain(desk, request.id, 1) is not None
    assert found > 0


def request(name: str, at_s: float, **changes: object) -> Request:
    window = TimeWindow(at_s, at_s)
    plain = Request(id=name, pickup=Visit(place=1), dropoff=Visit(place=3, window=window))
    return replace(plain, **changes)


def three_in_a_row(*, committed: bool = False, second_is_told: bool = False) -> Desk:
    """At ten, `narrow` may only go with duty one, which serves `wide`, which two could serve."""
    shift = TimeWindow(6 * HOUR, 18 * HOUR)
    one = Duty(
        id="one",
        capacity=Capacity(seats=1),
        shift=shift,
        skills=frozenset({"stairs"}),
        committed=(Committed(kind="pickup", request="wide"),) if committed else (),
    )
    two = Duty(id="two", capacity=Capacity(seats=1), shift=shift)
    wide = request("wide", 10 * HOUR)
    narrow = request("narrow", 10 * HOUR, skills=frozenset({"stairs"}))
    problem = Problem(requests=(wide, narrow), duties=(one, two), travel=row_travel())
    desk = Desk.open(problem, told={"wide": 9.5 * HOUR} if second_is_told else None)
    if not committed:
        desk.insert("wide", desk.offer_of("wide", "one"))
    return desk


def test_the_one_that_could_go_elsewhere_makes_way() -> None:
    desk = three_in_a_row(second_is_told=True)
    assert desk.offers("narrow") == ()
    chain = ejection_chain(desk, "narrow")
    assert chain is not None
    assert [(m.request, m.from_duty, m.to_duty) for m in chain.moves] == [
        ("narrow", None, "one"),
        ("wide", "one", "two"),
    ]
    assert chain.moves_told == 0  # another duty, at the time that was told
    assert "makes way for narrow" in chain.moves[1].sentence(desk.problem)
    follow(desk, chain)
    assert desk.check() == []
    with pytest.raises(RefusedError, match="has changed"):
        follow(desk, chain)
    with pytest.raises(RefusedError, match="served by duty 'one'"):
        ejection_chain(desk, "narrow")


def test_a_commitment_never_makes_way() -> None:
    assert ejection_chain(three_in_a_row(committed=True), "narrow") is None


def test_the_fewest_told_times_move_and_then_the_cheapest_makes_way() -> None:
    """Either of two could make way, each for a duty that begins later than it was planned."""
    shift, stairs = TimeWindow(6 * HOUR, 18 * HOUR), frozenset({"stairs"})
    able = [Duty(id=n, capacity=Capacity(seats=1), shift=shift, skills=stairs) for n in "ab"]
    spare = Duty(id="spare", capacity=Capacity(seats=1), shift=TimeWindow(9.75 * HOUR, 18 * HOUR))
    span = TimeWindow(9.5 * HOUR, 11 * HOUR)
    first = Request(id="first", pickup=Visit(place=1), dropoff=Visit(place=3, window=span))
    second = replace(first, id="second", pickup=Visit(place=0), dropoff=Visit(place=3, window=span))
    new = request("new", 10 * HOUR, skills=stairs, ride_alone=True)

    def chosen(told: dict[str, float]) -> tuple[str, int]:
        problem = Problem(
            requests=(first, second, new),
            duties=(*able, spare),
            travel=row_travel(),
            weights=Weights.distance_only(),
        )
        desk = Desk.open(problem, told=told)
        for name, duty in (("first", "a"), ("second", "b")):
            desk.insert(name, desk.offer_of(name, duty))
        assert ejection_chain(desk, "new", 0) is None
        chain = ejection_chain(desk, "new", 1)
        if chain is None:
            return "nobody", 0
        return chain.moves[1].request, chain.moves_told

    assert chosen({"first": 0.0})[0] == "second"
    assert chosen({"second": 0.0})[0] == "first"


def test_two_make_way_where_one_is_not_enough() -> None:
    shift = TimeWindow(6 * HOUR, 18 * HOUR)
    skills = [frozenset({"a", "b"}), frozenset({"b"}), frozenset()]
    duties = tuple(
        Duty(id=str(k), capacity=Capacity(seats=1), shift=shift, skills=skills[k]) for k in range(3)
    )
    free, tied = request("free", 10 * HOUR), request("tied", 10 * HOUR, skills=frozenset({"b"}))
    new = request("new", 10 * HOUR, skills=frozenset({"a"}))
    problem = Problem(requests=(free, tied, new), duties=duties, travel=row_travel())
    desk = Desk.open(problem)
    desk.insert("tied", desk.offer_of("tied", "0"))
    desk.insert("free", desk.offer_of("free", "1"))
    assert ejection_chain(desk, "new", 1) is None
    chain = ejection_chain(desk, "new", 2)
    assert chain is not None
    assert [(m.request, m.to_duty) for m in chain.moves] == [
        ("new", "0"),
        ("tied", "1"),
        ("free", "2"),
    ]
    follow(desk, chain)
    assert desk.check() == []
