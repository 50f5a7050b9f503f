from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from atmr_engine import (
    Budget,
    CommitmentError,
    Committed,
    Duty,
    Plan,
    StopKind,
    Weights,
    check,
    solve,
)
from atmr_engine.explain.why_not import why_not
from atmr_engine.online.desk import Desk, RefusedError
from atmr_engine.online.ejection import ejection_chain, follow
from atmr_engine.simulate.rich_problems import RichDay, rich_problem

VISITS = {StopKind.PICKUP, StopKind.DROPOFF, StopKind.BREAK}


def begun(duty: Duty, plan: Plan, moment_s: float) -> Duty:
    stops = next((route.stops for route in plan.routes if route.duty == duty.id), ())
    done = tuple(
        Committed(kind=stop.kind, request=stop.request, begin_s=stop.begin_s)
        for stop in stops
        if stop.kind in VISITS and stop.begin_s <= moment_s
    )
    return replace(duty, committed=done)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), requests=st.integers(4, 14), hour=st.floats(8, 15))
def test_whatever_is_asked_of_a_running_day_leaves_its_commitments(
    seed: int, requests: int, hour: float
) -> None:
    problem = rich_problem(RichDay(requests, 3, size_km=6.0), seed, Weights())
    problem = replace(
        problem, duties=tuple(replace(duty, breaks=duty.breaks[:1]) for duty in problem.duties)
    )
    plan = solve(problem, Budget(iterations=20), seed)
    duties = tuple(begun(duty, plan, hour * 3600) for duty in problem.duties)
    running = replace(problem, duties=duties)
    try:
        desk = Desk.open(running, plan)
    except CommitmentError:
        assume(False)
    assert (desk.lost, desk.keeps_times) == ((), True)
    assert desk.routes() == plan.routes
    for request in problem.requests[::2]:
        if desk.is_served(request.id):
            try:
                desk.remove(request.id)
            except RefusedError:
                continue
    for request in [r.id for r in problem.requests if not desk.is_served(r.id)][::-1]:
        answers = why_not(running, desk.plan(), request)
        if desk.offers(request, 1):
            assert answers[0].rule is None
            desk.insert(request)
        elif (chain := ejection_chain(desk, request, 1)) is not None:
            follow(desk, chain)
        assert desk.check() == []
    assert check(running, desk.plan()) == []
