"""Fewest duties first: a duty is closed, and the rest learn to do without it."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atmr_engine import (
    Budget,
    Capacity,
    Committed,
    Duty,
    Plan,
    Problem,
    Request,
    TimeWindow,
    Travel,
    Visit,
    Weights,
    check,
    evaluate,
    solve,
    warmup,
)
from atmr_engine.beginning import begin
from atmr_engine.compilation import compile_problem
from atmr_engine.construct.cheapest import insert_all
from atmr_engine.construct.order import by_earliest_need
from atmr_engine.formats.lilim import read_lilim
from atmr_engine.improve.best import best_of
from atmr_engine.improve.cooling import Course
from atmr_engine.improve.fleet import empty_duties, pays_to_empty
from atmr_engine.improve.making_way import make_way
from atmr_engine.improve.neighbours import nearest_requests
from atmr_engine.improve.squeeze import squeeze
from atmr_engine.insertion import cheapest_in_duty
from atmr_engine.journal import commit
from atmr_engine.placement import insert
from atmr_engine.random_numbers import random_state
from atmr_engine.simulate.rich_problems import RichDay, rich_problem
from atmr_engine.state import BANKED

SHARED = (
    Path(os.environ.get("ATMR_SHARED", Path(__file__).resolve().parents[4] / "shared")) / "data"
)
RICH_DAYS = st.builds(
    RichDay,
    requests=st.integers(2, 20),
    duties=st.integers(2, 5),
    triangle=st.booleans(),
    waivers=st.booleans(),
)


def appointment(name: str, at_s: float, skills: str = "", last_s: float = 0.0) -> Request:
    """Ten minutes at the one place there is, alone, begun between `at_s` and `last_s`."""
    window = TimeWindow(at_s, max(at_s, last_s))
    return Request(
        id=name,
        pickup=Visit(place=0, window=window, service_s=600.0),
        dropoff=Visit(place=0),
        max_ride_s=0.0,
        ride_alone=True,
        skills=frozenset(skills),
    )


def vehicles(*skills: str) -> tuple[Duty, ...]:
    return tuple(
        Duty(
            id=f"d{number}",
            capacity=Capacity(seats=1),
            shift=TimeWindow(0, 36_000),
            skills=frozenset(skill),
        )
        for number, skill in enumerate(skills)
    )


def at_one_place(requests: tuple[Request, ...], duties: tuple[Duty, ...]) -> Problem:
    return Problem(
        requests=requests,
        duties=duties,
        travel=Travel(time_s=np.zeros((1, 1)), distance_km=np.zeros((1, 1))),
        weights=Weights.vehicles_first(),
    )


def in_the_way() -> Problem:
    """`late` needs the skill of d0 or d2, and on d0 `early` is in its way, which fits d1 too."""
    return at_one_place(
        (
            appointment("early", 0.0),
            appointment("later", 3600.0),
            appointment("late", 300.0, "s"),
        ),
        vehicles("s", "", "s"),
    )


def without_clock(plan: Plan) -> Plan:
    return replace(plan, seconds=0.0)


def placed(problem: Problem, duties: tuple[int, ...]):  # noqa: ANN201 (arrays and state)
    """Each request on the duty of the same position; those beyond stay in the bank."""
    arrays = compile_problem(problem)
    state = begin(problem, arrays)
    for request, duty in enumerate(duties):
        _, pickup, dropoff = cheapest_in_duty(arrays, state, request, duty, np.inf)
        assert insert(arrays, state, request, duty, pickup, dropoff)
    commit(state)
    return arrays, state


def test_one_makes_way_that_can_go_elsewhere() -> None:
    problem = in_the_way()
    arrays, state = placed(problem, (0, 1))
    arrays.compatible[:, 2] = 0
    random = random_state(0)
    insert_all(arrays, state, np.array([2]), 0.0, random)
    assert state.route_of[2] == -1
    assert make_way(arrays, state, 2, np.zeros(3, dtype=np.int64), random)
    assert list(state.route_of) == [-1, 1, 0]
    insert_all(arrays, state, np.array([0]), 0.0, random)
    assert list(state.route_of) == [1, 1, 0]


@pytest.mark.parametrize(("left_out", "leaver"), [((0, 3), 0), ((3, 0), 1), ((7, 6), 1)])
@pytest.mark.parametrize("seed", range(5))
def test_who_was_left_out_least_makes_way(
    left_out: tuple[int, int], leaver: int, seed: int
) -> None:
    problem = at_one_place(
        (appointment("a", 0.0), appointment("b", 0.0), appointment("c", 300.0)), vehicles("", "")
    )
    arrays, state = placed(problem, (0, 1))
    counts = np.array([*left_out, 0])
    assert make_way(arrays, state, 2, counts, random_state(seed))
    assert list(state.bank[: state.counters[BANKED]]) == [leaver]
    assert state.route_of[2] == leaver


def test_two_make_way_where_one_is_not_enough() -> None:
    problem = at_one_place(
        (appointment("a", 0.0), appointment("b", 600.0), appointment("c", 300.0)), vehicles("")
    )
    arrays, state = placed(problem, (0, 0))
    assert make_way(arrays, state, 2, np.zeros(3, dtype=np.int64), random_state(0))
    assert list(state.route_of) == [-1, -1, 0]


def test_nobody_makes_way_for_who_fits_no_duty_and_nothing_changes() -> None:
    problem = at_one_place(
        (appointment("a", 0.0), appointment("b", 600.0), appointment("c", 300.0, "s")),
        vehicles("", ""),
    )
    arrays, state = placed(problem, (0, 0))
    routes = state.routes.copy()
    assert not make_way(arrays, state, 2, np.zeros(3, dtype=np.int64), random_state(0))
    assert np.array_equal(state.routes, routes)
    assert list(state.route_of) == [0, 0, -1]


def test_what_has_begun_does_not_make_way() -> None:
    problem = at_one_place((appointment("a", 0.0), appointment("b", 300.0)), vehicles(""))
    begun = (Committed(kind="pickup", request="a", begin_s=0.0),)
    problem = replace(problem, duties=(replace(problem.duties[0], committed=begun),))
    arrays, state = placed(problem, ())
    assert list(state.route_of) == [0, -1]
    assert not make_way(arrays, state, 1, np.zeros(2, dtype=np.int64), random_state(0))


def test_a_duty_is_emptied_although_its_request_fits_no_other_route_as_it_is() -> None:
    problem = in_the_way()
    start = solve(
        replace(problem, weights=Weights.distance_only()),
        Budget(iterations=0),
        warm_start=Plan(routes=()),
    )
    assert len(start.routes) >= 2
    plan = solve(problem, Budget(iterations=100), warm_start=start)
    assert evaluate(problem, plan).duties_used == 2
    assert plan.unserved == ()


@settings(max_examples=40, deadline=None)
@given(day=RICH_DAYS, seed=st.integers(0, 10_000))
def test_closing_duties_costs_nothing_and_leaves_nobody_behind(day: RichDay, seed: int) -> None:
    problem = rich_problem(day, seed, Weights.vehicles_first())
    arrays = compile_problem(problem)
    state = begin(problem, arrays)
    random = random_state(seed)
    insert_all(arrays, state, by_earliest_need(arrays, state), 0.0, random)
    if not pays_to_empty(arrays, state):
        return
    unserved = int(state.counters[BANKED])
    before = float(best_of(arrays, state).costs[0])
    course = Course(Budget(iterations=300), time.perf_counter, time.perf_counter())
    costs: list[float] = []
    empty_duties(arrays, state, nearest_requests(arrays), course, random, costs.append)
    after = float(best_of(arrays, state).costs[0])
    assert after == pytest.approx(min(costs, default=before))
    assert after <= before
    assert costs == sorted(costs, reverse=True)
    assert int(state.counters[BANKED]) <= unserved


@settings(max_examples=15, deadline=None)
@given(day=RICH_DAYS, seed=st.integers(0, 10_000))
def test_plans_with_fewest_duties_pass_the_checker_and_can_be_made_again(
    day: RichDay, seed: int
) -> None:
    problem = rich_problem(day, seed, Weights.vehicles_first())
    plan, again = (solve(problem, Budget(iterations=200), seed) for _ in range(2))
    assert check(problem, plan) == []
    assert without_clock(plan) == without_clock(again)


def test_where_a_duty_costs_nothing_none_is_closed() -> None:
    problem = in_the_way()
    arrays, state = placed(replace(problem, weights=Weights()), (0, 1, 2))
    assert not pays_to_empty(arrays, state)
    arrays, state = placed(problem, (0, 1, 2))
    assert pays_to_empty(arrays, state)


def test_what_closes_duties_is_compiled_on_demand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called = []

    def squeezed(*arguments: object) -> int:
        called.append(arguments)
        return int(squeeze(*arguments))

    monkeypatch.setattr("atmr_engine.improve.fleet.squeeze", squeezed)
    warmup()
    assert not called
    warmup(fleet=True)
    assert called


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "best_known"), [("lc103", 9), ("lr104", 9), ("lr107", 10), ("lrc106", 11)]
)
def test_published_instances_need_no_more_vehicles_than_best_known(
    name: str, best_known: int
) -> None:
    path = SHARED / "pdptw" / "pdp_100" / f"{name}.txt"
    if not path.exists():
        pytest.skip(f"{name} is absent: set ATMR_SHARED to the folder of the benchmark data")
    problem = read_lilim(path).problem
    plan = solve(problem, Budget(iterations=8_000))
    assert plan.unserved == ()
    assert len(plan.routes) == best_known
