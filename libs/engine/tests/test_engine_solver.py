from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import atmr_engine
from atmr_engine import (
    Budget,
    Capacity,
    Duty,
    Plan,
    PlanRefusedError,
    Problem,
    Progress,
    Request,
    TimeWindow,
    Travel,
    Visit,
    Weights,
    check,
    evaluate,
    solve,
)
from atmr_engine.beginning import begin, resume
from atmr_engine.compilation import compile_problem
from atmr_engine.rules import Rule, Violation
from atmr_engine.simulate.rich_problems import RichDay, rich_problem

DAYS = st.builds(
    RichDay,
    requests=st.integers(0, 20),
    duties=st.integers(0, 4),
    size_km=st.sampled_from([3.0, 12.0]),
    triangle=st.booleans(),
    waivers=st.booleans(),
    wishes=st.booleans(),
    unsteady=st.booleans(),
)

WEIGHTS = st.sampled_from([Weights(), Weights.vehicles_first()])


def without_clock(plan: Plan) -> Plan:
    return replace(plan, seconds=0.0)


def many(requests: int, duties: int, pairs: int | None = None) -> Problem:
    """Every request between places of its own, or between one of so many `pairs`."""
    random, pairs = np.random.default_rng(5), pairs or requests
    points = random.uniform(0, 20, (2 * pairs + 1, 2))
    apart = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    opens = random.uniform(0, 600, requests) * 60
    return Problem(
        requests=tuple(
            Request(
                id=f"r{k}",
                pickup=Visit(
                    place=1 + 2 * (k % pairs), window=TimeWindow(opens[k], opens[k] + 900)
                ),
                dropoff=Visit(place=2 + 2 * (k % pairs)),
                max_ride_s=3600,
            )
            for k in range(requests)
        ),
        duties=tuple(
            Duty(
                id=f"d{k}",
                capacity=Capacity(seats=3),
                shift=TimeWindow(0, 50_000),
                start_place=0,
                end_place=0,
            )
            for k in range(duties)
        ),
        travel=Travel(time_s=apart * 60, distance_km=apart),
    )


@settings(max_examples=40, deadline=None)
@given(day=DAYS, seed=st.integers(0, 10_000), weights=WEIGHTS)
def test_every_plan_passes_the_checker_and_costs_what_the_search_says(
    day: RichDay, seed: int, weights: Weights
) -> None:
    problem = rich_problem(day, seed, weights)
    steps: list[Progress] = []
    plan = solve(problem, Budget(iterations=130), seed, progress=steps.append)
    assert check(problem, plan) == []
    if steps:
        priced = evaluate(problem, plan).total
        assert steps[-1].cost == pytest.approx(priced, abs=1e-6)
        done = [step.iterations for step in steps]
        assert done[-1] == 130
        assert all(0 < b - a <= 64 for a, b in pairwise([0, *done]))
        assert all(a.cost >= b.cost for a, b in pairwise(steps))


@settings(max_examples=15, deadline=None)
@given(day=DAYS, seed=st.integers(0, 10_000))
def test_a_seed_and_iterations_give_one_plan(day: RichDay, seed: int) -> None:
    problem = rich_problem(day, seed, Weights())
    plans = {repr(without_clock(solve(problem, Budget(iterations=70), seed))) for _ in range(2)}
    assert len(plans) == 1


def test_another_seed_searches_elsewhere() -> None:
    problem = many(40, 4)
    plans = {repr(without_clock(solve(problem, Budget(iterations=20), seed))) for seed in range(4)}
    assert len(plans) > 1


def test_search_improves_on_construction() -> None:
    problem = many(40, 4)
    first = solve(problem, Budget(iterations=0))
    later = solve(problem, Budget(iterations=300))
    assert first.source == "construction"
    assert later.source == "search"
    assert later.iterations == 300
    assert evaluate(problem, later).total < evaluate(problem, first).total


def test_a_budget_in_seconds_ends_in_time() -> None:
    plan = solve(many(40, 4), Budget(seconds=0.2))
    assert 0.2 <= plan.seconds < 2.0
    assert plan.iterations > 0


@pytest.mark.parametrize(("requests", "duties"), [(0, 0), (0, 3), (3, 0), (1, 1)])
def test_small_days(requests: int, duties: int) -> None:
    problem = many(requests, duties)
    plan = solve(problem, Budget(iterations=10))
    assert len(plan.unserved) == (requests if duties == 0 else 0)
    assert all(entry.rule is Rule.COVERAGE for entry in plan.unserved)


def test_a_duty_without_places_carries_nobody() -> None:
    problem = many(2, 1)
    duty = replace(problem.duties[0], capacity=Capacity(seats=0))
    plan = solve(replace(problem, duties=(duty,)), Budget(iterations=10))
    assert [entry.rule for entry in plan.unserved] == [Rule.CAPACITY] * 2
    assert plan.routes == ()


def test_a_thousand_requests_are_planned_by_a_hundred_duties() -> None:
    problem = many(1000, 100)
    plan = solve(problem, Budget(iterations=5))
    assert plan.unserved == ()
    assert plan.seconds < 10


def test_ten_thousand_requests_are_planned_or_left_out_with_a_reason() -> None:
    problem = many(10_000, 2, pairs=100)
    plan = solve(problem, Budget(iterations=0))
    served = sum(len(route.requests) for route in plan.routes)
    assert served > 0
    assert served + len(plan.unserved) == 10_000
    assert all(unserved.reason for unserved in plan.unserved)


def test_a_warm_start_is_taken_over_and_only_improved() -> None:
    problem = many(30, 4)
    before = solve(problem, Budget(iterations=300))
    again = solve(problem, Budget(iterations=0), warm_start=before)
    assert again.source == "warm_start"
    assert again.routes == before.routes
    later = solve(problem, Budget(iterations=50), seed=9, warm_start=before)
    assert evaluate(problem, later).total <= evaluate(problem, before).total


@pytest.mark.parametrize("seed", range(40))
def test_a_warm_start_is_never_made_worse(seed: int) -> None:
    """Linked legs on different duties are taken over whatever the order of the routes."""
    problem = rich_problem(RichDay(requests=14, duties=4), seed, Weights())
    before = solve(problem, Budget(iterations=30), seed)
    turned = replace(before, routes=before.routes[::-1])
    for start in (before, turned):
        again = solve(problem, Budget(iterations=0), warm_start=start)
        assert evaluate(problem, again).total <= evaluate(problem, before).total + 1e-6
        arrays = compile_problem(problem)
        state = begin(problem, arrays)
        resume(problem, arrays, state, start)
        assert set(np.flatnonzero(state.route_of >= 0)) == {
            problem.request_index[name] for route in before.routes for name in route.requests
        }


def test_a_warm_start_survives_changed_requests() -> None:
    problem = many(30, 4)
    before = solve(problem, Budget(iterations=100))
    fewer = replace(problem, requests=problem.requests[3:])
    plan = solve(fewer, Budget(iterations=0), warm_start=before)
    assert plan.unserved == ()
    assert check(fewer, plan) == []


def test_a_plan_that_the_checker_refuses_is_not_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    breach = Violation(rule=Rule.WINDOW, subject="r0", duty="d0", excess=1.0, message="too late")
    monkeypatch.setattr("atmr_engine.solver.check", lambda *_: [breach])
    with pytest.raises(PlanRefusedError, match="too late") as refused:
        solve(many(1, 1), Budget(iterations=0))
    assert refused.value.violations == [breach]


def test_the_public_names() -> None:
    assert sorted(atmr_engine.__all__) == [
        "Break", "Budget", "Capacity", "CommitmentError", "Committed", "Cost", "DriverKind",
        "DrivingBreak", "Duty", "LABOUR_ACT", "Link", "Load", "OTR_2", "Plan", "PlanRefusedError",
        "PlannedStop", "Problem", "ProblemError", "Progress", "Promise", "Request", "Reserve",
        "Route", "Rule", "RulePack", "SameDriver", "StopKind", "TimeWindow", "Travel", "Unserved",
        "Violation", "Visit", "Waiver", "Weights", "WorkBreak", "check", "evaluate", "fair_shares",
        "latest_departure", "pack_for", "solve", "travel_time", "warmup",
        "with_fairness", "with_rule_pack",
    ]  # fmt: skip
    assert all(hasattr(atmr_engine, name) for name in atmr_engine.__all__)
