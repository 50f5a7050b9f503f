from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atmr_engine import (
    Budget,
    Capacity,
    Committed,
    Cost,
    Duty,
    Plan,
    Problem,
    ProblemError,
    Request,
    Rule,
    TimeWindow,
    Travel,
    Visit,
    Waiver,
    Weights,
    check,
    evaluate,
    solve,
)
from atmr_engine.difference import services
from atmr_engine.explain.alternatives import alternatives
from atmr_engine.explain.changes import MoveTo, Retime, TakeOff, WithoutDuty
from atmr_engine.explain.levers import Lever
from atmr_engine.explain.ripple import Ripple, ripple
from atmr_engine.online.desk import RefusedError
from atmr_engine.simulate.rich_problems import RichDay, rich_problem

HOUR = 3600.0
MINUTE = 60.0
DAYS = st.builds(
    RichDay,
    requests=st.integers(2, 12),
    duties=st.integers(1, 4),
    size_km=st.sampled_from([4.0, 12.0]),
    triangle=st.booleans(),
    waivers=st.booleans(),
)
SEEDS = st.integers(0, 10_000)


def planned(day: RichDay, seed: int) -> tuple[Problem, Plan]:
    problem = rich_problem(day, seed, Weights())
    return problem, solve(problem, Budget(iterations=20), seed)


def adds_up(seen: Ripple) -> None:
    """The ripple agrees with the two plans, counted anew."""
    assert check(seen.problem, seen.after) == []
    was, now = services(seen.before.routes), services(seen.after.routes)
    assert set(seen.newly_served) == now.keys() - was.keys()
    assert set(seen.newly_unserved) == was.keys() - now.keys()
    moved = {m.request: m for m in seen.moved}
    for name in was.keys() & now.keys():
        if name in moved:
            assert now[name].pickup_s - was[name].pickup_s == moved[name].pickup_by_s
            assert (was[name].duty, now[name].duty) == (moved[name].from_duty, moved[name].to_duty)
        else:
            assert now[name].pickup_s == pytest.approx(was[name].pickup_s, abs=1e-3)
            assert now[name].duty == was[name].duty
    for name in ("working_min", "distance_km", "overtime_min", "detour_min"):
        per_duty = sum(getattr(change.difference, name) for change in seen.duties)
        assert getattr(seen.difference, name) == pytest.approx(per_duty, abs=1e-6)
    assert sum(c.trips for c in seen.duties) == len(now) - len(was)
    assert all(isinstance(sentence, str) for sentence in seen.sentences())


@settings(max_examples=25, deadline=None)
@given(day=DAYS, seed=SEEDS, later_min=st.integers(-90, 90))
def test_what_a_ripple_says_is_what_the_plans_say(day: RichDay, seed: int, later_min: int) -> None:
    problem, plan = planned(day, seed)
    served = sorted(services(plan.routes))[:3]
    for name in served:
        request = problem.requests[problem.request_index[name]]
        try:
            adds_up(ripple(problem, plan, TakeOff(request=name)))
        except RefusedError:
            assert not day.triangle
            continue
        dropoff = request.dropoff.window
        by_s = later_min * MINUTE
        other = TimeWindow(dropoff.open_s + by_s, dropoff.close_s + by_s)
        retime = Retime(request=name, pickup=request.pickup.window, dropoff=other)
        adds_up(ripple(problem, plan, retime))
    for duty in problem.duties:
        seen = ripple(problem, plan, WithoutDuty(duty=duty.id))
        assert duty.id not in {route.duty for route in seen.after.routes}
        adds_up(seen)


@settings(max_examples=25, deadline=None)
@given(day=DAYS, seed=SEEDS)
def test_an_alternative_is_what_the_move_would_do(day: RichDay, seed: int) -> None:
    problem, plan = planned(day, seed)
    for name, service in sorted(services(plan.routes).items())[:4]:
        try:
            others = alternatives(problem, plan, name)
        except RefusedError:
            assert not day.triangle
            continue
        assert others.duty == service.duty
        named = [a.duty for a in others.possible] + [w.duty for w in others.impossible]
        assert sorted([*named, service.duty]) == sorted(duty.id for duty in problem.duties)
        totals = [a.difference.total for a in others.possible]
        assert totals == sorted(totals)
        for alternative in others.possible:
            seen = ripple(problem, plan, MoveTo(request=name, duty=alternative.duty))
            adds_up(seen)
            for item in fields(Cost):
                assert getattr(alternative.difference, item.name) == pytest.approx(
                    getattr(seen.difference, item.name), abs=1e-6
                ), item.name
            moved = {m.request: m for m in seen.moved}
            itself = moved.pop(name)
            assert {m.request for m in alternative.moved} == moved.keys()
            assert alternative.pickup_by_s == itself.pickup_by_s
        for why in others.impossible:
            if why.rule is not None and why.rule is not Rule.LOCK:
                seen = ripple(problem, plan, MoveTo(request=name, duty=why.duty))
                assert seen.refused is not None
                assert seen.after == plan
                assert "cannot be done" in seen.sentences()[0]


# ---- a small day by hand


def small_day(**changes: object) -> Problem:
    apart = np.abs(np.arange(4.0)[:, None] - np.arange(4.0)[None])
    travel = Travel(time_s=apart * 10 * MINUTE, distance_km=apart)
    shift = TimeWindow(6 * HOUR, 18 * HOUR)
    duties = tuple(
        Duty(id=name, capacity=Capacity(seats=1), shift=shift, start_place=0, end_place=0)
        for name in ("one", "two")
    )
    requests = tuple(
        Request(
            id=name, pickup=Visit(place=1), dropoff=Visit(place=2, window=TimeWindow(at_s, at_s))
        )
        for name, at_s in (("early", 9 * HOUR), ("late", 10 * HOUR))
    )
    zone = ZoneInfo("Europe/Zurich")
    problem = Problem(
        requests=requests,
        duties=duties,
        travel=travel,
        weights=Weights.distance_only(),
        origin=datetime(2026, 3, 16, tzinfo=zone),
    )
    return replace(problem, **changes)


def on_one(problem: Problem) -> Plan:
    plan = solve(problem, Budget(iterations=50))
    assert [route.requests for route in plan.routes] == [("early", "late")]
    return plan


def other_duty(plan: Plan) -> str:
    return "two" if plan.routes[0].duty == "one" else "one"


def test_moving_one_of_two_trips_costs_a_second_vehicle() -> None:
    problem = small_day()
    plan = on_one(problem)
    other = other_duty(plan)
    found = alternatives(problem, plan, "late", told={"late": 9.75 * HOUR})
    assert [a.duty for a in found.possible] == [other]
    only = found.possible[0]
    assert only.difference.distance_km == pytest.approx(2.0)  # two ways of four, not one of six
    assert (only.pickup_by_s, only.ride_by_s, only.moves_told) == (0.0, 0.0, 0)
    assert f"duty {other}, 09:50 to 10:00:" in only.sentence(problem)
    assert "+2 km" in only.sentence(problem)
    seen = ripple(problem, plan, MoveTo(request="late", duty=other), told={"late"})
    assert seen.moves_told == 0
    assert f"late: 09:50 instead of 09:50, there 10:00 instead of 10:00, by duty {other}" in (
        seen.sentences()
    )
    assert [c.trips for c in seen.duties] == ([-1, 1] if other == "two" else [1, -1])


def test_a_later_appointment_is_seen_by_the_patient_alone() -> None:
    problem = small_day()
    plan = on_one(problem)
    at = TimeWindow(10.5 * HOUR, 10.5 * HOUR)
    change = Retime(request="late", pickup=TimeWindow(), dropoff=at)
    seen = ripple(problem, plan, change, told={"late", "early"})
    assert [(m.request, m.pickup_by_s) for m in seen.moved] == [("late", 30 * MINUTE)]
    assert (seen.moves_told, seen.newly_unserved) == (1, ())
    assert "late: 10:20 instead of 09:50, there 10:30 instead of 10:00" in seen.sentences()
    never = Retime(request="late", pickup=TimeWindow(), dropoff=TimeWindow(0, HOUR))
    lost = ripple(problem, plan, never)
    assert lost.newly_unserved == ("late",)
    assert lost.difference.unserved == 1
    assert any("late is not served any more" in said for said in lost.sentences())
    with pytest.raises(ProblemError, match="closes"):
        ripple(problem, plan, Retime(request="late", pickup=TimeWindow(), dropoff=TimeWindow(9, 1)))


def test_a_duty_that_falls_away_is_stood_in_for() -> None:
    problem = small_day()
    plan = on_one(problem)
    waiver = Waiver(
        rule=Rule.SHIFT,
        subject=plan.routes[0].duty,
        excess_s=60,
        reason="late",
        granted_by="dispatcher",
    )
    pinned = replace(problem.requests[0], locked_duty=plan.routes[0].duty)
    tied = replace(problem, requests=(pinned, problem.requests[1]), waivers=(waiver,))
    seen = ripple(tied, plan, WithoutDuty(duty=plan.routes[0].duty))
    assert seen.newly_unserved == ()
    assert {m.to_duty for m in seen.moved} == {other_duty(plan)}
    assert seen.difference.total == pytest.approx(0.0)
    alone = replace(problem, duties=problem.duties[:1])
    gone = ripple(alone, solve(alone, Budget(iterations=0)), WithoutDuty(duty="one"))
    assert set(gone.newly_unserved) == {"early", "late"}


def test_a_pin_moves_along_and_an_impossible_move_changes_nothing() -> None:
    problem = small_day()
    plan = on_one(problem)
    own, other = plan.routes[0].duty, other_duty(plan)
    pinned = replace(problem.requests[1], locked_duty=own)
    tied = replace(problem, requests=(problem.requests[0], pinned))
    seen = ripple(tied, plan, MoveTo(request="late", duty=other))
    assert seen.problem.requests[1].locked_duty == other
    assert alternatives(tied, plan, "late").impossible[0].relaxation == {Lever.UNPIN: 1}
    duties = tuple(replace(d, crew=2 if d.id == own else 1) for d in problem.duties)
    two_needed = replace(
        problem,
        duties=duties,
        requests=tuple(replace(request, crew=2) for request in problem.requests),
    )
    refused = ripple(two_needed, plan, MoveTo(request="late", duty=other))
    assert refused.refused is not None
    assert refused.refused.rule is Rule.CREW
    assert refused.after == plan
    assert refused.difference.total == 0.0


def test_what_is_committed_stays() -> None:
    problem = small_day()
    plan = on_one(problem)
    own = plan.routes[0].duty
    done = Committed(kind="pickup", request="early", begin_s=plan.routes[0].stops[1].begin_s)
    duties = tuple(replace(d, committed=(done,)) if d.id == own else d for d in problem.duties)
    running = replace(problem, duties=duties)
    for change in (
        TakeOff(request="early"),
        MoveTo(request="early", duty=other_duty(plan)),
        WithoutDuty(duty=own),
    ):
        with pytest.raises(RefusedError, match="committed"):
            ripple(running, plan, change)
    with pytest.raises(RefusedError, match="committed"):
        alternatives(running, plan, "early")
    with pytest.raises(RefusedError, match="not served"):
        alternatives(running, Plan(routes=()), "late")
    with pytest.raises(KeyError):
        ripple(problem, plan, TakeOff(request="nobody"))
    assert evaluate(running, plan).unserved == 0
