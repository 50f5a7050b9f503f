"""Searches side by side: replayable for each number of them, and ended together."""

from __future__ import annotations

import threading
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atmr_engine import (
    Budget,
    Capacity,
    Duty,
    Plan,
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
from atmr_engine.improve.cooling import Course
from atmr_engine.simulate.rich_problems import RichDay, rich_problem

DAYS = st.builds(RichDay, requests=st.integers(0, 16), duties=st.integers(0, 4))


def without_clock(plan: Plan) -> Plan:
    return replace(plan, seconds=0.0)


def plane(seed: int = 3, requests: int = 40, duties: int = 5) -> Problem:
    """Rides between points of a plane, too many for a few hundred iterations to settle."""
    random = np.random.default_rng(seed)
    points = random.uniform(0, 20, (2 * requests + 1, 2))
    apart = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    opens = random.uniform(0, 36_000, requests)
    duty = Duty(
        id="",
        capacity=Capacity(seats=3),
        shift=TimeWindow(0, 50_000),
        start_place=0,
        end_place=0,
    )
    return Problem(
        requests=tuple(
            Request(
                id=f"r{k}",
                pickup=Visit(place=1 + 2 * k, window=TimeWindow(opens[k], opens[k] + 900)),
                dropoff=Visit(place=2 + 2 * k),
                max_ride_s=3600,
            )
            for k in range(requests)
        ),
        duties=tuple(replace(duty, id=f"d{k}") for k in range(duties)),
        travel=Travel(time_s=apart * 60, distance_km=apart),
    )


@settings(max_examples=10, deadline=None)
@given(day=DAYS, seed=st.integers(0, 10_000), threads=st.integers(1, 3))
def test_a_seed_iterations_and_a_number_of_threads_give_one_plan(
    day: RichDay, seed: int, threads: int
) -> None:
    problem = rich_problem(day, seed, Weights())
    plans = [solve(problem, Budget(iterations=210), seed, threads=threads) for _ in range(2)]
    assert len({repr(without_clock(plan)) for plan in plans}) == 1
    assert check(problem, plans[0]) == []


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_share_the_iterations_and_end_at_the_best_plan(threads: int) -> None:
    problem = plane()
    steps: list[Progress] = []
    plan = solve(problem, Budget(iterations=500), 1, progress=steps.append, threads=threads)
    assert plan.iterations == steps[-1].iterations == 500
    assert steps[-1].cost == pytest.approx(evaluate(problem, plan).total)
    assert all(a.cost >= b.cost for a, b in pairwise(steps))


def test_two_threads_do_not_search_alike() -> None:
    """Each has numbers of its own: two halves are not the same half twice."""
    problem = plane()
    alone = [solve(problem, Budget(iterations=200), seed) for seed in range(4)]
    both = [solve(problem, Budget(iterations=400), seed, threads=2) for seed in range(4)]
    assert [plan.routes for plan in both] != [plan.routes for plan in alone]


@pytest.mark.parametrize("seed", range(4))
def test_no_thread_makes_a_warm_start_worse(seed: int) -> None:
    problem = plane(seed)
    before = solve(problem, Budget(iterations=100), seed)
    again = solve(problem, Budget(iterations=100), seed + 1, warm_start=before, threads=2)
    assert evaluate(problem, again).total <= evaluate(problem, before).total + 1e-6
    assert check(problem, again) == []


@pytest.mark.parametrize("iterations", [0, 1, 2])
def test_more_threads_than_iterations_are_no_harm(iterations: int) -> None:
    plan = solve(plane(), Budget(iterations=iterations), threads=3)
    assert plan.iterations == iterations


def test_fewer_than_one_thread_is_an_error() -> None:
    with pytest.raises(ValueError, match="threads must be at least 1, not 0"):
        solve(plane(), Budget(iterations=1), threads=0)


def test_seconds_end_all_threads() -> None:
    plan = solve(plane(), Budget(seconds=0.2), threads=2)
    assert 0.2 <= plan.seconds < 3.0
    assert threading.active_count() == 1


def test_a_caller_who_gives_up_ends_all_threads() -> None:
    def give_up(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve(plane(), Budget(seconds=600.0), progress=give_up, threads=2)
    assert threading.active_count() == 1


def test_a_split_course_keeps_its_time_and_parts_its_iterations() -> None:
    course = Course(Budget(seconds=5.0, iterations=10), lambda: 7.0, 2.0)
    parts = course.split(3)
    assert [part.budget.iterations for part in parts] == [4, 3, 3]
    assert {(part.budget.seconds, part.started_s) for part in parts} == {(5.0, 2.0)}
    assert Course(Budget(seconds=5.0), lambda: 7.0, 2.0).split(1)[0].budget == Budget(seconds=5.0)
