from __future__ import annotations

from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atmr_engine.arrays import Arrays
from atmr_engine.beginning import begin
from atmr_engine.checker import feasible_times
from atmr_engine.compilation import compile_problem
from atmr_engine.construct.cheapest import insert_all
from atmr_engine.construct.order import by_earliest_need
from atmr_engine.insertion import cheapest_in_duty
from atmr_engine.journal import commit, rollback
from atmr_engine.objective import Weights
from atmr_engine.placement import insert, place_pair
from atmr_engine.plan import StopKind
from atmr_engine.plan_price import total_cost
from atmr_engine.pricing import timetable_cost
from atmr_engine.problem import Problem
from atmr_engine.profile import loads_fit
from atmr_engine.random_numbers import random_state
from atmr_engine.removal import pick, remove_picked
from atmr_engine.schedule import schedule
from atmr_engine.simulate.rich_problems import RichDay, rich_problem
from atmr_engine.state import BANKED, State

DAYS = st.builds(
    RichDay,
    requests=st.integers(2, 14),
    duties=st.integers(1, 3),
    size_km=st.sampled_from([3.0, 12.0]),
    triangle=st.booleans(),
    waivers=st.booleans(),
    wishes=st.booleans(),
    unsteady=st.booleans(),
)
STEADY = DAYS.map(lambda day: replace(day, unsteady=False))
SEEDS = st.integers(0, 10_000)
WEIGHTS = st.sampled_from([Weights(), Weights.distance_only(), Weights.vehicles_first()])


def planned(problem: Problem) -> tuple[Arrays, State]:
    arrays = compile_problem(problem)
    state = begin(problem, arrays)
    insert_all(arrays, state, by_earliest_need(arrays, state), 0.0, random_state(0))
    return arrays, state


def banked(state: State) -> list[int]:
    return [int(request) for request in state.bank[: state.counters[BANKED]]]


def bank_some(arrays: Arrays, state: State, every: int) -> None:
    for request in range(0, len(arrays.requests), every):
        pick(arrays, state, request)
    remove_picked(arrays, state)


def reference_costs(
    arrays: Arrays, state: State, request: int, duty: int
) -> dict[tuple[int, int], float]:
    """What every pair of gaps adds, by the reference tests alone."""
    length = int(state.length[duty])
    found = {}
    for gaps in combinations_with_replacement(range(length + 1), 2):
        count = place_pair(state, request, duty, *gaps)
        if loads_fit(arrays, state, state.sequence, count, duty) and schedule(
            arrays, state, state.sequence, count, duty
        ):
            cost = timetable_cost(arrays, state.trial, count, duty)
            found[gaps] = cost - float(state.cost[duty])
    return found


@settings(max_examples=60, deadline=None)
@given(day=DAYS, seed=SEEDS, weights=WEIGHTS)
def test_the_fast_test_accepts_exactly_what_the_reference_accepts(
    day: RichDay, seed: int, weights: Weights
) -> None:
    arrays, state = planned(rich_problem(day, seed, weights))
    bank_some(arrays, state, 3)
    for request in banked(state)[:4]:
        for duty in np.flatnonzero(arrays.compatible[request]):
            expected = reference_costs(arrays, state, request, int(duty))
            added, pickup, dropoff = cheapest_in_duty(arrays, state, request, int(duty), np.inf)
            if not expected:
                assert (added, pickup, dropoff) == (np.inf, -1, -1)
                continue
            assert added == pytest.approx(min(expected.values()), abs=1e-6)
            assert added == pytest.approx(expected[pickup, dropoff], abs=1e-6)
            below = cheapest_in_duty(arrays, state, request, int(duty), added - 1e-3)
            assert below == (np.inf, -1, -1)


def test_both_answers_occur_in_the_comparison() -> None:
    answers = set()
    for seed in range(6):
        arrays, state = planned(rich_problem(RichDay(10, 2), seed, Weights()))
        bank_some(arrays, state, 3)
        for request in banked(state):
            for duty in np.flatnonzero(arrays.compatible[request]):
                answers.add(bool(reference_costs(arrays, state, request, int(duty))))
    assert answers == {True, False}


@settings(max_examples=60, deadline=None)
@given(day=STEADY, seed=SEEDS, shuffle=SEEDS)
def test_the_reference_timetable_exists_exactly_where_bellman_ford_finds_one(
    day: RichDay, seed: int, shuffle: int
) -> None:
    problem = rich_problem(day, seed, Weights())
    arrays = compile_problem(problem)
    state = begin(problem, arrays)
    random = np.random.default_rng(shuffle)
    for duty, row in enumerate(problem.duties):
        chosen = random.permutation(len(problem.requests))[: int(random.integers(1, 4))]
        nodes = [2 * int(request) for request in chosen] + [2 * int(r) + 1 for r in chosen]
        if random.random() < 0.5:
            nodes = [node for r in chosen for node in (2 * int(r), 2 * int(r) + 1)]
        breaks = [int(arrays.duties[duty]["first_break"]) + k for k in range(len(row.breaks))]
        nodes += breaks
        state.sequence[: len(nodes)] = nodes
        stops = [
            (StopKind.BREAK, None)
            if node >= 2 * len(problem.requests)
            else (
                StopKind.DROPOFF if node & 1 else StopKind.PICKUP,
                problem.requests[node >> 1].id,
            )
            for node in nodes
        ]
        expected = feasible_times(problem, row, stops) is not None
        found = bool(schedule(arrays, state, state.sequence, len(nodes), duty))
        # the engine uses no waiver to leave before a shift or to shorten a break
        assert found == expected or (day.waivers and not found)


@settings(max_examples=60, deadline=None)
@given(day=DAYS, seed=SEEDS, weights=WEIGHTS)
def test_taking_out_and_putting_back_costs_nothing(
    day: RichDay, seed: int, weights: Weights
) -> None:
    problem = rich_problem(day, seed, weights)
    unlinked = tuple(replace(request, link=None) for request in problem.requests)
    arrays, state = planned(replace(problem, requests=unlinked))
    for duty in range(len(arrays.duties)):
        nodes = state.routes[duty, : state.length[duty]].copy()
        for request in {int(node) >> 1 for node in nodes if node < 2 * len(arrays.requests)}:
            before = float(total_cost(arrays, state.route_of, state.cost))
            gaps = gaps_of(state, duty, request)
            pick(arrays, state, request)
            remove_picked(arrays, state)
            if state.route_of[request] >= 0:
                continue  # a matrix without triangle inequality can need the detour
            left = [int(node) for node in nodes if int(node) >> 1 != request]
            if list(state.routes[duty, : state.length[duty]]) != left:
                continue  # the breaks of a duty that serves nobody stand as at first
            assert request in banked(state)
            assert insert(arrays, state, request, duty, *gaps)
            after = float(total_cost(arrays, state.route_of, state.cost))
            assert after == pytest.approx(before, abs=1e-6)


def gaps_of(state: State, duty: int, request: int) -> tuple[int, int]:
    nodes = [int(node) for node in state.routes[duty, : state.length[duty]]]
    pickup, dropoff = nodes.index(2 * request), nodes.index(2 * request + 1)
    return pickup, dropoff - 1


@settings(max_examples=40, deadline=None)
@given(day=DAYS, seed=SEEDS)
def test_rollback_restores_routes_times_and_bank(day: RichDay, seed: int) -> None:
    arrays, state = planned(rich_problem(day, seed, Weights()))
    commit(state)
    routes = [list(state.routes[d, : state.length[d]]) for d in range(len(arrays.duties))]
    served = [n for route in routes for n in route if n < 2 * len(arrays.requests)]
    times, bank, route_of = state.begin_s[served].copy(), banked(state), state.route_of.copy()
    costs = state.cost.copy()
    bank_some(arrays, state, 2)
    insert_all(arrays, state, by_earliest_need(arrays, state)[::-1].copy(), 0.5, random_state(1))
    rollback(arrays, state)
    assert [list(state.routes[d, : state.length[d]]) for d in range(len(arrays.duties))] == routes
    assert np.array_equal(state.begin_s[served], times)
    assert np.array_equal(state.route_of, route_of)
    assert np.array_equal(state.cost, costs)
    assert banked(state) == bank
