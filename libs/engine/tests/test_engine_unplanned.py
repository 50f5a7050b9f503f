"""What the search cannot plan yet is refused by name; what binds nothing and costs nothing is not.

A feature leaves these lists when the search plans by it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.small_days import APART, day, duty, request
from support.small_days import plan as by_hand

from atmr_engine import Budget, ProblemError, StopKind, Weights, check, solve, unplanned_features
from atmr_engine.plan import Plan
from atmr_engine.problem import DrivingBreak, Problem, Promise, Reserve, TimeWindow, Travel
from atmr_engine.solver import better_of
from atmr_engine.timetable import marked

SLICED = Travel(time_s=60.0 * APART[None], distance_km=APART, knots_s=np.zeros(1))
PRICED = Weights(fairness_h2=1.0, tightness_min=1.0)
UNPLANNED: dict[str, Problem] = {
    "travel.knots_s": day(request(), travel=SLICED),
    "requests[0].published_duty": day(request(published_duty="A"), weights=PRICED),
    "requests[0].promise": day(request(promise=Promise(begin_s=60, hard=True))),
    "requests[0].familiar": day(request(familiar=frozenset({"Ana"})), weights=PRICED),
    "duties[0].max_driving_s": day(duties=(duty(max_driving_s=1.0),)),
    "duties[0].driving_break": day(
        duties=(duty(driving_break=DrivingBreak(after_s=1, duration_s=1)),)
    ),
    "duties[0].out_of_service": day(duties=(duty(out_of_service=(TimeWindow(0, 1),)),)),
    "duties[0].fair_share_min": day(duties=(duty(fair_share_min=60.0),), weights=PRICED),
    "buffer_s": day(buffer_s=60.0, weights=PRICED),
    "reserves": day(reserves=(Reserve(id="R", window=TimeWindow(0, 60), duration_s=60),)),
}


@pytest.mark.parametrize("field", UNPLANNED)
def test_what_is_not_planned_yet_is_refused_by_name(field: str) -> None:
    assert unplanned_features(UNPLANNED[field]) == (field,)
    with pytest.raises(ProblemError, match="not planned yet") as refusal:
        solve(UNPLANNED[field], Budget(iterations=0))
    assert refusal.value.field == field


def test_a_soft_promise_counts_by_its_weight() -> None:
    soft = day(request(promise=Promise(begin_s=60)))
    assert unplanned_features(soft) == ()
    assert unplanned_features(replace(soft, weights=Weights())) == ("requests[0].promise",)


def test_facts_that_cost_nothing_are_planned() -> None:
    facts = day(
        request(published_duty="A", familiar=frozenset({"Ana"})),
        duties=(duty(worked_min=5.0, fair_share_min=5.0),),
        buffer_s=60.0,
    )
    assert unplanned_features(facts) == ()


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
