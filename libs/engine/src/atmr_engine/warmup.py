"""Compile everything once on a tiny problem, so that the first real one does not wait for it."""

from __future__ import annotations

from importlib import import_module

import numpy as np

from atmr_engine.beginning import begin
from atmr_engine.budget import Budget
from atmr_engine.compilation import compile_problem
from atmr_engine.construct.cheapest import insert_all
from atmr_engine.construct.order import by_earliest_need
from atmr_engine.improve.best import best_of
from atmr_engine.improve.noting import driven_routes
from atmr_engine.improve.recombination import Recombination
from atmr_engine.problem import (
    Break,
    Capacity,
    Duty,
    Problem,
    Request,
    TimeWindow,
    Travel,
    Visit,
)
from atmr_engine.random_numbers import random_state
from atmr_engine.solver import solve
from atmr_engine.weights import Weights

ITERATIONS = 64


def warmup(*, fleet: bool = False) -> None:
    """Compile what `solve` runs, or load it from the cache on disk.

    The first call on a machine takes half a minute of one core, later processes a second or two.
    What empties duties is compiled with `fleet` alone: no search needs it whose weights give a
    duty that is used no price.
    """
    apart = np.ones((3, 3)) - np.eye(3)
    day = TimeWindow(0.0, 36_000.0)
    at_once = TimeWindow(3600.0, 3600.0)
    requests = tuple(
        Request(id=name, pickup=Visit(place=1, window=at_once), dropoff=Visit(place=2))
        for name in ("one", "two")
    )
    duties = tuple(
        Duty(
            id=name,
            capacity=Capacity(seats=1),
            shift=day,
            start_place=0,
            end_place=0,
            breaks=(Break(duration_s=900.0, window=day),),
        )
        for name in ("first", "second")
    )
    travel = Travel(time_s=600.0 * apart, distance_km=apart)
    for weights in (Weights(), Weights.vehicles_first())[: 1 + fleet]:
        problem = Problem(requests=requests, duties=duties, travel=travel, weights=weights)
        solve(problem, Budget(iterations=ITERATIONS))
    install_a_plan(problem)


def install_a_plan(problem: Problem) -> None:
    """Compile what puts a plan together from routes, which not every search comes to do."""
    arrays = compile_problem(problem)
    state = begin(problem, arrays)
    insert_all(arrays, state, by_earliest_need(arrays, state), 0.0, random_state(0))
    best, recombination = best_of(arrays, state), Recombination(problem, arrays)
    best.costs[0] = np.inf
    routes = driven_routes(arrays, best)
    import_module("atmr_engine.improve.partition")  # HiGHS, which loads slowly
    recombination.install(state, best, [recombination.pool.add(*route) for route in routes])
