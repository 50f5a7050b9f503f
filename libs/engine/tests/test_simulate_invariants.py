"""Random days under every policy: what must hold whatever happens."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atmr_engine import Budget, Plan, Problem, StopKind, Weights, check, solve
from atmr_engine.rules import Rule
from atmr_engine.simulate.day_state import DayState, Standing
from atmr_engine.simulate.events import Event, EventKind
from atmr_engine.simulate.execution import drive
from atmr_engine.simulate.noise import Noise
from atmr_engine.simulate.policies import Decision, Follow, Insert, Policy, Repair
from atmr_engine.simulate.remainder import remainder
from atmr_engine.simulate.results import DrivenDay, results
from atmr_engine.simulate.rich_problems import RichDay, rich_problem
from atmr_engine.simulate.slack import Slack
from atmr_engine.simulate.truth import ALWAYS, Truth, realise

POLICIES: tuple[Policy, ...] = (Follow(), Insert(), Repair(budget=Budget(iterations=30)))
WILD = Noise(
    no_shows=0.1,
    late_cancellations=0.1,
    same_day_bookings=0.3,
    incidents=1.0,
    breakdowns=0.15,
    hour_sigma=0.2,
)
ALWAYS_KEPT = {Rule.CAPACITY, Rule.SHARING, Rule.SKILLS, Rule.EQUIPMENT, Rule.CREW}
SOME_DAYS = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Lived:
    truth: Truth
    planning: Problem
    plan: Plan
    record: list[Event]
    day: DrivenDay


@cache
def world(seed: int, requests: int = 16) -> tuple[Truth, Problem, Plan]:
    """A rich day, how it really goes, and the evening's plan for what was known by then."""
    day = rich_problem(RichDay(requests, 5, size_km=5.0, waivers=seed % 2 == 1), seed, Weights())
    calls = frozenset(request.id for request in day.requests[1::6] if request.link)
    truth = realise(day, WILD, seed, will_call=calls)
    planning = Slack(factor=1.1, buffer_s=30.0).applied(day)
    known = tuple(r for r in planning.requests if truth.of(r.id).booked_s == ALWAYS)
    names = {request.id for request in known} | {duty.id for duty in day.duties}
    waivers = tuple(waiver for waiver in planning.waivers if waiver.subject in names)
    evening = replace(planning, requests=known, waivers=waivers)
    return truth, planning, solve(evening, Budget(iterations=50), seed)


def lived(seed: int, policy: Policy) -> Lived:
    truth, planning, plan = world(seed)
    record = drive(truth, planning, plan, policy)
    return Lived(truth, planning, plan, record, results(truth.problem, record))


any_day = given(seed=st.integers(0, 10_000), policy=st.sampled_from(POLICIES))


@SOME_DAYS
@any_day
def test_no_commitment_is_ever_broken(seed: int, policy: Policy) -> None:
    day = lived(seed, policy)
    assert [e.detail for e in day.record if e.kind is EventKind.REFUSED] == []
    planned = {name for route in day.plan.routes for name in route.requests}
    stranded = {e.duty for e in day.record if e.kind is EventKind.BROKEN_DOWN}
    if not stranded:
        lost = [r.request for r in day.day.requests if r.outcome is Standing.UNSERVED]
        told = {r.request for r in day.day.requests if r.told_s is not None}
        assert not planned & told & set(lost)


@SOME_DAYS
@any_day
def test_every_request_ends_in_one_state(seed: int, policy: Policy) -> None:
    day = lived(seed, policy)
    assert [r.request for r in day.day.requests] == [r.id for r in day.truth.problem.requests]
    counts = Counter(
        (event.request, event.kind, event.stop)
        for event in day.record
        if event.request is not None and event.kind is not EventKind.MOVED
    )
    for result in day.day.requests:
        boards = counts[result.request, EventKind.BEGAN, StopKind.PICKUP]
        alights = counts[result.request, EventKind.ENDED, StopKind.DROPOFF]
        served = result.outcome is Standing.SERVED
        assert boards == alights == int(served)
        endings = [
            kind
            for (name, kind, _), count in counts.items()
            for _ in range(count)
            if name == result.request
            and kind in {EventKind.CANCELLED, EventKind.NO_SHOW, EventKind.HELD}
        ]
        unserved = result.outcome is Standing.UNSERVED
        assert len(endings) == int(not served and not unserved)


@SOME_DAYS
@any_day
def test_nobody_is_anywhere_sooner_than_the_traffic_allows(seed: int, policy: Policy) -> None:
    day = lived(seed, policy)
    places = {duty.id: duty.start_place for duty in day.planning.duties}
    left: dict[str, float] = {}
    times = [event.at_s for event in day.record]
    assert times == sorted(times)
    for event in day.record:
        if event.duty is None:
            continue
        if event.kind is EventKind.DEPARTED:
            left[event.duty] = event.at_s
        elif event.kind is EventKind.ARRIVED:
            arrival_s = day.truth.arrival_s(places[event.duty], event.place, left[event.duty])
            assert event.at_s == pytest.approx(arrival_s)
            places[event.duty] = event.place
        elif event.kind in {EventKind.BEGAN, EventKind.ENDED} and event.place is not None:
            assert places[event.duty] == event.place
    for duty in day.day.duties:
        shift = day.planning.duties[day.planning.duty_index[duty.duty]].shift
        assert duty.departure_s >= shift.open_s


@SOME_DAYS
@any_day
def test_places_equipment_and_company_are_right_on_every_ride(seed: int, policy: Policy) -> None:
    day = lived(seed, policy)
    broken = [v for v in check(day.day.problem, day.day.plan) if v.rule in ALWAYS_KEPT]
    assert broken == []
    drivers = [
        violation.message
        for violation in check(day.day.problem, day.day.plan)
        if violation.rule is Rule.LINK and "requires the driver" in violation.message
    ]
    assert drivers == []


@SOME_DAYS
@any_day
def test_breaks_are_taken_with_nobody_on_board(seed: int, policy: Policy) -> None:
    day = lived(seed, policy)
    for route in day.day.plan.routes:
        duty = day.planning.duties[day.planning.duty_index[route.duty]]
        if any(result.broke_down for result in day.day.duties if result.duty == duty.id):
            continue
        served = [stop.end_s for stop in route.stops if stop.kind is StopKind.DROPOFF]
        taken = [
            event.at_s
            for event in day.record
            if event.duty == duty.id
            and event.kind is EventKind.BEGAN
            and event.stop is StopKind.BREAK
        ]
        due = [
            pause
            for pause in duty.breaks
            if served
            and route.stops[0].end_s <= pause.window.close_s
            and max(served) > pause.window.close_s
        ]
        assert len(taken) >= len(due)
        assert all(moment >= min(p.window.open_s for p in duty.breaks) for moment in taken)


@dataclass(frozen=True)
class Judged:
    """A policy whose every view of the rest of the day is checked."""

    policy: Policy

    def decide(self, state: DayState, event: Event) -> Decision:
        rest = remainder(state)
        assert check(rest.problem, rest.present) == []
        for duty in rest.problem.duties:
            assert duty.shift.open_s >= state.now_s
        return self.policy.decide(state, event)


@SOME_DAYS
@any_day
def test_the_present_plan_keeps_every_rule_of_the_rest_of_the_day(
    seed: int, policy: Policy
) -> None:
    assert lived(seed, Judged(policy)).record == lived(seed, policy).record


@SOME_DAYS
@any_day
def test_the_same_day_is_lived_the_same_way_twice(seed: int, policy: Policy) -> None:
    assert lived(seed, policy).record == lived(seed, policy).record


@SOME_DAYS
@given(seed=st.integers(0, 10_000))
def test_two_policies_meet_the_same_noise(seed: int) -> None:
    """Common random numbers: services last as long, and the same people call off, come or call."""
    services, facts = [], []
    for policy in POLICIES:
        day = lived(seed, policy)
        begun: dict[tuple[str, str], float] = {}
        lasted: dict[tuple[str, str], float] = {}
        for event in day.record:
            key = (event.request or "", str(event.stop))
            if event.kind is EventKind.BEGAN and event.request:
                begun[key] = event.at_s
            elif event.kind is EventKind.ENDED and event.request:
                lasted[key] = event.at_s - begun[key]
        services.append(lasted)
        facts.append(
            {
                (event.kind, event.request, event.duty): event.at_s
                for event in day.record
                if event.kind in {EventKind.BOOKED, EventKind.BROKEN_DOWN}
            }
        )
    for other in services[1:]:
        for key in services[0].keys() & other.keys():
            assert other[key] == pytest.approx(services[0][key], abs=1e-6)
    assert facts[0] == facts[1] == facts[2]
