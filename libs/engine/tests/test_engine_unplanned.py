"""What the search cannot plan yet is refused by name; what binds nothing and costs nothing is not.

A feature leaves these lists when the search plans by it.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.small_days import day, request
from support.small_days import plan as by_hand

from atmr_engine import Budget, ProblemError, StopKind, Weights, check, solve, unplanned_features
from atmr_engine.plan import Plan
from atmr_engine.problem import Problem, Reserve, TimeWindow
from atmr_engine.solver import better_of
from atmr_engine.timetable import marked

UNPLANNED: dict[str, Problem] = {
    "reserves": day(reserves=(Reserve(id="R", window=TimeWindow(0, 60), duration_s=60),)),
}


@pytest.mark.parametrize("field", UNPLANNED)
def test_what_is_not_planned_yet_is_refused_by_name(field: str) -> None:
    assert unplanned_features(UNPLANNED[field]) == (field,)
    with pytest.raises(ProblemError, match="not planned yet") as refusal:
        solve(UNPLANNED[field], Budget(iterations=0))
    assert refusal.value.field == field


def test_the_stops_of_a_will_call_are_provisional() -> None:
    problem = day(request("x", will_call=True), request("y"), weights=Weights())
    plan = solve(problem, Budget(iterations=8))
    assert check(problem, plan) == []
    told = {
        (stop.request, stop.kind): stop.provisional
        for route in plan.routes
        for stop in route.stops
        if stop.request is not None
    }
    assert told == {
        ("x", StopKind.PICKUP): True,
        ("x", StopKind.DROPOFF): True,
        ("y", StopKind.PICKUP): False,
        ("y", StopKind.DROPOFF): False,
    }
    assert not any(s.provisional for r in plan.routes for s in r.stops if s.request is None)


def test_a_start_that_is_older_than_the_call_is_final_now() -> None:
    """The start is better than what no search finds, and is returned as it stands."""
    called = day(request(will_call=False), weights=Weights())
    waiting = day(request(will_call=True))
    start = replace(by_hand(), routes=(marked(waiting, by_hand().routes[0]),))
    assert [stop.provisional for stop in start.routes[0].stops] == [False, True, True, False]
    chosen = better_of(called, Plan(routes=()), start)
    assert chosen.source == "warm_start"
    assert not any(stop.provisional for stop in chosen.routes[0].stops)
