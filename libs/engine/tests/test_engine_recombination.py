"""Plans that are put together anew from the routes that a search met."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atmr_engine import (
    Break,
    Budget,
    Capacity,
    Committed,
    Duty,
    Link,
    Plan,
    Problem,
    Request,
    SameDriver,
    TimeWindow,
    Travel,
    Visit,
    Weights,
    check,
    evaluate,
    solve,
)
from atmr_engine.beginning import adopt_nodes, begin
from atmr_engine.compilation import compile_problem
from atmr_engine.construct.cheapest import insert_all
from atmr_engine.construct.order import by_earliest_need
from atmr_engine.improve.best import best_of, restore
from atmr_engine.improve.islands import MEETINGS
from atmr_engine.improve.noting import driven_routes, note_changed
from atmr_engine.improve.recombination import Recombination
from atmr_engine.improve.route_log import KNOWN, read, route_log
from atmr_engine.journal import commit
from atmr_engine.placement import retime
from atmr_engine.plan_price import total_cost
from atmr_engine.random_numbers import random_state
from atmr_engine.simulate.rich_problems import RichDay, rich_problem
from atmr_engine.timetable import routes_of

if TYPE_CHECKING:
    from atmr_engine.arrays import Arrays
    from atmr_engine.improve.best import Best
    from atmr_engine.state import State

LINE = np.array([0.0, 10.0, 11.0, 20.0, 21.0, -10.0, -11.0, -20.0, -21.0])
"""Kilometres on a line: the depot, then two requests to its east and two to its west."""


def line(duties: int = 2, *, committed: bool = False) -> Problem:
    """Requests 0 and 1 lie to the east of the depot, 2 and 3 to the west; a minute a kilometre."""
    apart = np.abs(LINE[:, None] - LINE[None])
    breaks = (Break(duration_s=60.0, window=TimeWindow(0, 60_000)),)
    begun = (Committed(kind="pickup", request="r3", begin_s=1260.0),) if committed else ()
    return Problem(
        requests=tuple(
            Request(id=f"r{k}", pickup=Visit(place=1 + 2 * k), dropoff=Visit(place=2 + 2 * k))
            for k in range(4)
        ),
        duties=tuple(
            Duty(
                id=f"d{k}",
                driver=f"driver{k}",
                capacity=Capacity(seats=1),
                shift=TimeWindow(0, 60_000),
                start_place=0,
                end_place=0,
                breaks=breaks,
                committed=begun if k == 1 else (),
            )
            for k in range(duties)
        ),
        travel=Travel(time_s=60.0 * apart, distance_km=apart),
        weights=Weights(duties_used=0.0),
    )


def linked(problem: Problem, *links: tuple[int, int, SameDriver]) -> Problem:
    """The problem with legs that follow others: (leg, the leg before it, whose driver)."""
    requests = list(problem.requests)
    for leg, after, same_driver in links:
        link = Link(after=f"r{after}", same_driver=same_driver)
        requests[leg] = replace(requests[leg], link=link)
    return replace(problem, requests=tuple(requests))


def driven(problem: Problem, routes: list[list[int]]) -> tuple[Arrays, State, Best]:
    """A search at a plan in which duty k serves `routes[k]`, one after the other."""
    arrays = compile_problem(problem)
    state = begin(problem, arrays)
    for duty, requests in enumerate(routes):
        assert adopt_nodes(arrays, state, stops(*requests), duty)
    return arrays, state, best_of(arrays, state)


def stops(*requests: int) -> list[int]:
    return [node for request in requests for node in (2 * request, 2 * request + 1)]


def met(problem: Problem, duty: int, *requests: int) -> tuple[int, np.ndarray, float]:
    """A route as a search would have noted it."""
    arrays = compile_problem(problem)
    state = begin(problem, arrays)
    assert adopt_nodes(arrays, state, stops(*requests), duty)
    return duty, state.routes[duty, : state.length[duty]].copy(), float(state.cost[duty])


def planned(problem: Problem, arrays: Arrays, state: State) -> Plan:
    retime(arrays, state)
    return Plan(routes=routes_of(problem, arrays, state), unserved=())


def served(problem: Problem, arrays: Arrays, state: State) -> set[frozenset[str]]:
    return {frozenset(route.requests) for route in planned(problem, arrays, state).routes}


def test_routes_of_several_plans_make_a_better_one() -> None:
    problem = line(3)
    arrays, state, best = driven(problem, [[0, 2], [1], [3]])
    before = float(best.costs[0])
    recombination = Recombination(problem, arrays)
    assert not recombination.improve(state, best)
    recombination.take_in([met(problem, 1, 0, 1), met(problem, 0, 2, 3), met(problem, 2, 0, 3)])
    assert recombination.improve(state, best)
    assert best.costs[0] == best.costs[1] < before
    assert total_cost(arrays, state.route_of, state.cost) == best.costs[0]
    assert served(problem, arrays, state) == {frozenset({"r0", "r1"}), frozenset({"r2", "r3"})}
    plan = planned(problem, arrays, state)
    assert check(problem, plan) == []
    assert evaluate(problem, plan).total == pytest.approx(best.costs[0])
    assert not recombination.improve(state, best)


def test_a_cheaper_order_of_the_same_stops_is_taken() -> None:
    problem = line(1)
    arrays, state, best = driven(problem, [[0, 2, 1, 3]])
    recombination = Recombination(problem, arrays)
    recombination.take_in([met(problem, 0, 0, 1, 2, 3)])
    assert recombination.improve(state, best)
    assert list(best.routes[0][best.routes[0] < 8])[:8] == stops(0, 1, 2, 3)


def test_a_price_that_proves_false_changes_nothing() -> None:
    problem = line()
    arrays, state, best = driven(problem, [[0, 2], [1, 3]])
    before, routes = float(best.costs[0]), state.routes.copy()
    recombination = Recombination(problem, arrays)
    for duty, nodes, _ in (met(problem, 0, 0, 3), met(problem, 0, 1, 2)):
        recombination.take_in([(duty, nodes, 1.0)])
    assert not recombination.improve(state, best)
    assert best.costs[0] == before
    assert total_cost(arrays, state.route_of, state.cost) == before
    for duty in range(2):
        assert list(state.routes[duty, : state.length[duty]]) == list(
            routes[duty, : state.length[duty]]
        )
    assert check(problem, planned(problem, arrays, state)) == []


def test_legs_that_require_one_driver_are_not_parted() -> None:
    """To part them would cost less."""
    problem = linked(line(), (2, 0, SameDriver.REQUIRE))
    for case, better in ((line(), True), (problem, False)):
        arrays, state, best = driven(case, [[0, 2], [1, 3]])
        recombination = Recombination(case, arrays)
        recombination.take_in([met(line(), 0, 0, 1), met(line(), 1, 2, 3)])
        assert recombination.improve(state, best) is better
        assert check(case, planned(case, arrays, state)) == []


def test_changes_of_driver_count_although_no_route_knows_of_them() -> None:
    """Each route is cheaper, but together they change drivers twice."""
    free = line(2)
    problem = replace(
        linked(free, (2, 0, SameDriver.PREFER), (3, 1, SameDriver.PREFER)),
        weights=replace(free.weights, driver_changes=500.0),
    )
    for case, better in ((free, True), (problem, False)):
        arrays, state, best = driven(case, [[0, 2], [1, 3]])
        recombination = Recombination(case, arrays)
        recombination.take_in([met(free, 0, 0, 1), met(free, 1, 2, 3)])
        assert recombination.improve(state, best) is better
        assert total_cost(arrays, state.route_of, state.cost) == best.costs[0]


def test_a_search_notes_each_route_once_unless_it_becomes_cheaper() -> None:
    problem = line()
    arrays, state, best = driven(problem, [[0, 2], [1, 3]])
    log = route_log(4, np.zeros(2, dtype=np.int64))
    note_changed(arrays, state, log)
    noted = list(read(log))
    assert [(duty, sorted({n >> 1 for n in nodes if n < 8})) for duty, nodes, _ in noted] == [
        (0, [0, 2]),
        (1, [1, 3]),
    ]
    assert [cost for _, _, cost in noted] == list(state.cost)
    note_changed(arrays, state, log)
    assert list(read(log)) == []
    state.cost[1] -= 1.0
    note_changed(arrays, state, log)
    assert [duty for duty, _, _ in read(log)] == [1]
    commit(state)
    note_changed(arrays, state, log)
    assert list(read(log)) == []
    assert len(log.keys) == KNOWN
    restore(arrays, state, best)


@settings(max_examples=25, deadline=None)
@given(
    day=st.builds(
        RichDay,
        requests=st.integers(2, 16),
        duties=st.integers(1, 4),
        triangle=st.booleans(),
        waivers=st.booleans(),
    ),
    seed=st.integers(0, 10_000),
)
def test_plans_of_rich_days_are_put_together_within_the_rules(day: RichDay, seed: int) -> None:
    """Routes of several constructions, with links, pins, breaks and commitments."""
    problem = rich_problem(day, seed, Weights())
    arrays = compile_problem(problem)
    recombination = Recombination(problem, arrays)
    for blinks in (0.0, 0.2, 0.4, 0.4):
        state = begin(problem, arrays)
        insert_all(arrays, state, by_earliest_need(arrays, state), blinks, random_state(seed))
        seed += 1
        best = best_of(arrays, state)
        recombination.take_in(driven_routes(arrays, best))
    before = float(best.costs[0])
    better = recombination.improve(state, best)
    assert bool(best.costs[0] < before) is better
    restore(arrays, state, best)
    plan = planned(problem, arrays, state)
    assert {v.rule for v in check(problem, plan)} <= {"coverage"}
    assert evaluate(problem, plan).total == pytest.approx(float(best.costs[0]), abs=1e-6)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_search_recombines_the_routes_that_all_its_threads_met(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atmr_engine.improve.recombination.ENOUGH", 1)
    sizes: list[int] = []

    def noted(self: Recombination, state: State, best: Best) -> bool:
        sizes.append(len(self.pool))
        return genuine(self, state, best)

    genuine = Recombination.improve
    monkeypatch.setattr(Recombination, "improve", noted)
    problem = rich_problem(RichDay(requests=30, duties=6), 3, Weights())
    plan = solve(problem, Budget(iterations=1280), threads=threads)
    assert len(sizes) == (1 if threads == 1 else len(MEETINGS))
    assert sizes == sorted(sizes)
    assert sizes[-1] > len(plan.routes)


def test_few_routes_are_not_worth_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def unwanted(*_: object) -> bool:
        raise AssertionError("a pool of a few hundred iterations was recombined")

    monkeypatch.setattr(Recombination, "improve", unwanted)
    solve(rich_problem(RichDay(requests=30, duties=6), 3, Weights()), Budget(iterations=256))
