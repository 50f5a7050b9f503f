"""What the search plans by, on days small enough to say by hand what must come out.

Places lie a kilometre and a minute apart; nothing costs anything but what a test weighs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.small_days import APART, NOTHING, day, duty, request
from support.small_days import plan as by_hand

from atmr_engine import Budget, StopKind, Weights, check, evaluate, solve
from atmr_engine.online.desk import Desk
from atmr_engine.plan import Plan, PlannedStop
from atmr_engine.problem import (
    Break,
    DrivingBreak,
    Problem,
    Promise,
    Reserve,
    TimeWindow,
    Travel,
    Visit,
)
from atmr_engine.rules import Rule
from atmr_engine.solver import better_of
from atmr_engine.timetable import marked

BUDGET = Budget(iterations=20)


def weights(**some: float) -> Weights:
    return replace(NOTHING, unserved=1e6, **some)


def solved(problem: Problem) -> Plan:
    plan = solve(problem, BUDGET)
    assert check(problem, plan) == []
    return plan


def stops(plan: Plan, kind: StopKind) -> list[PlannedStop]:
    return [stop for route in plan.routes for stop in route.stops if stop.kind is kind]


def duties_of(plan: Plan) -> dict[str, str]:
    return {name: route.duty for route in plan.routes for name in route.requests}


def unserved_rules(plan: Plan) -> dict[str, Rule]:
    return {each.request: each.rule for each in plan.unserved}


TWO = (duty("A"), duty("B", start_place=1, end_place=1))
"""B is nearer to everybody, by two minutes and kilometres."""


def test_a_published_duty_keeps_its_request_as_long_as_that_is_worth_it() -> None:
    published = request(published_duty="A")
    worth = day(published, duties=TWO, weights=weights(distance_km=1, reassigned=3))
    assert duties_of(solved(worth)) == {"x": "A"}
    cheap = replace(worth, weights=weights(distance_km=1, reassigned=1))
    assert duties_of(solved(cheap)) == {"x": "B"}


def test_a_known_driver_comes_as_long_as_that_is_worth_it() -> None:
    known = request(familiar=frozenset({"A"}))
    worth = day(known, duties=TWO, weights=weights(distance_km=1, unfamiliar_drivers=3))
    assert duties_of(solved(worth)) == {"x": "A"}
    cheap = replace(worth, weights=weights(distance_km=1, unfamiliar_drivers=1))
    assert duties_of(solved(cheap)) == {"x": "B"}


def test_work_goes_to_whoever_is_furthest_below_the_fair_share() -> None:
    shares = {"A": 0.0, "B": 600.0}
    fair = tuple(replace(each, worked_min=shares[each.id], fair_share_min=300.0) for each in TWO)
    blind = day(request(), duties=fair, weights=weights(distance_km=1))
    assert duties_of(solved(blind)) == {"x": "B"}
    fair_day = replace(blind, weights=weights(distance_km=1, fairness_h2=100))
    assert duties_of(solved(fair_day)) == {"x": "A"}


def test_a_pickup_begins_as_near_to_the_told_time_as_the_windows_let_it() -> None:
    late = Visit(place=1, window=TimeWindow(0, 3000), service_s=30)
    told = request(pickup=late, promise=Promise(begin_s=2000, slack_s=100))
    plan = solved(day(told, weights=weights(promise_min=1, working_min=1)))
    (pickup,) = stops(plan, StopKind.PICKUP)
    assert 1900 <= pickup.begin_s <= 2100
    assert evaluate(day(told, weights=weights(promise_min=1)), plan).total == 0


def test_a_firm_promise_that_cannot_be_kept_leaves_the_request_out_and_says_so() -> None:
    early = Visit(place=1, window=TimeWindow(1000, 3000), service_s=30)
    firm = Promise(begin_s=500, slack_s=100, hard=True)
    plan = solved(day(request(pickup=early, promise=firm), weights=weights()))
    assert unserved_rules(plan) == {"x": Rule.PROMISE}
    kept = replace(firm, begin_s=1050)
    assert duties_of(solved(day(request(pickup=early, promise=kept), weights=weights())))


def test_stops_keep_away_from_their_windows_ends_where_that_is_weighed() -> None:
    window = TimeWindow(0, 3000)
    wide = request(dropoff=Visit(place=3, window=window, service_s=30))
    waits = request("y", pickup=Visit(place=3, window=TimeWindow(3600, 4000), service_s=30))
    waits = replace(waits, dropoff=Visit(place=4, service_s=30))
    tight = day(wide, waits, weights=weights(working_min=1, tightness_min=5), buffer_s=1200)
    (first, _) = sorted(stops(solved(tight), StopKind.DROPOFF), key=lambda stop: stop.begin_s)
    assert first.begin_s <= 1800
    loose = replace(tight, weights=weights(working_min=1))
    (last, _) = sorted(stops(solved(loose), StopKind.DROPOFF), key=lambda stop: stop.begin_s)
    assert last.begin_s > 2900, "the vehicle stays at home as long as it can"


RUSH = Travel(
    time_s=60.0 * np.stack([APART, 3 * APART]), distance_km=APART, knots_s=np.array([1000.0, 2000])
)
"""From second 1000 on ways take longer and longer, at last three times as long."""


@pytest.mark.parametrize(("due", "served"), [(1100, True), (2500, False)])
def test_ways_take_as_long_as_at_the_time_of_day(due: float, *, served: bool) -> None:
    """Before the rush two kilometres take two minutes, in it six."""
    due_s = Visit(place=3, window=TimeWindow(due - 600, due), service_s=30)
    asked = request(
        pickup=Visit(place=1, window=TimeWindow(due - 300, due), service_s=30), dropoff=due_s
    )
    plan = solved(day(asked, travel=RUSH, weights=weights()))
    assert bool(duties_of(plan)) is served


def test_a_day_in_slices_costs_what_the_objective_says() -> None:
    problem = day(request(), request("y"), travel=RUSH, weights=Weights())
    costs: list[float] = []
    plan = solve(problem, BUDGET, progress=lambda step: costs.append(step.cost))
    assert evaluate(problem, plan).total == pytest.approx(costs[-1])


SOON = Visit(place=1, window=TimeWindow(0, 600), service_s=30)
LATER = Visit(place=1, window=TimeWindow(1500, 3000), service_s=30)


def test_nobody_drives_longer_than_a_day_allows() -> None:
    """One request takes six minutes of driving, two in turn ten."""
    both = (request(pickup=SOON, max_ride_s=300), request("y", pickup=LATER, max_ride_s=300))
    enough = day(*both, duties=(duty(max_driving_s=600),), weights=weights())
    assert set(duties_of(solved(enough))) == {"x", "y"}
    short = day(*both, duties=(duty(max_driving_s=599),), weights=weights())
    plan = solved(short)
    assert len(duties_of(plan)) == 1
    assert set(unserved_rules(plan).values()) == {Rule.DRIVING}


def test_a_driver_rests_before_the_driving_without_a_break_is_too_long() -> None:
    limits: dict[str, Any] = {"driving_break": DrivingBreak(after_s=430, duration_s=900)}
    both = (request(pickup=SOON, max_ride_s=300), request("y", pickup=LATER, max_ride_s=300))
    plan = solved(day(*both, duties=(duty(**limits),), weights=weights()))
    assert set(duties_of(plan)) == {"x", "y"}
    (rest,) = stops(plan, StopKind.BREAK)
    assert rest.end_s - rest.begin_s == pytest.approx(900)
    assert rest.place == 3, "where it has just let somebody off"
    one = solved(day(both[0], duties=(duty(**limits),), weights=weights()))
    assert stops(one, StopKind.BREAK) == [], "no rest that nobody needs"


def test_a_break_of_the_duty_that_is_long_enough_is_the_rest() -> None:
    limits: dict[str, Any] = {
        "driving_break": DrivingBreak(after_s=430, duration_s=900),
        "breaks": (Break(duration_s=900, window=TimeWindow(0, 5000)),),
    }
    both = (request(pickup=SOON, max_ride_s=300), request("y", pickup=LATER, max_ride_s=300))
    plan = solved(day(*both, duties=(duty(**limits),), weights=weights(working_min=1)))
    assert set(duties_of(plan)) == {"x", "y"}
    assert len(stops(plan, StopKind.BREAK)) == 1


def test_a_vehicle_out_of_service_serves_before_or_after() -> None:
    """Out and back take seven minutes."""
    window = TimeWindow(0, 3000)
    asked = request(pickup=Visit(place=1, window=window, service_s=30))
    away = duty(out_of_service=(TimeWindow(100, 2000),))
    (pickup,) = stops(solved(day(asked, duties=(away,), weights=weights())), StopKind.PICKUP)
    assert pickup.begin_s >= 2000
    assert pickup.arrival_s <= 100 or pickup.arrival_s >= 2060
    too_long = duty(out_of_service=(TimeWindow(100, 4000),))
    plan = solved(day(asked, duties=(too_long,), weights=weights()))
    assert unserved_rules(plan) == {"x": Rule.OUT_OF_SERVICE}


def test_nobody_sits_in_a_vehicle_that_is_out_of_service() -> None:
    """Fetched before it, dropped off after it: that would be a wait on board."""
    asked = request(
        pickup=Visit(place=1, window=TimeWindow(0, 100), service_s=30),
        dropoff=Visit(place=3, window=TimeWindow(2500, 3000), service_s=30),
    )
    away = duty(out_of_service=(TimeWindow(500, 2000),))
    plan = solved(day(asked, duties=(away,), weights=weights()))
    assert unserved_rules(plan) == {"x": Rule.OUT_OF_SERVICE}
    assert duties_of(solved(day(asked, weights=weights()))) == {"x": "A"}


def reserve(**changes: Any) -> Reserve:
    return replace(Reserve(id="R", window=TimeWindow(0, 7200), duration_s=1800), **changes)


def test_a_reserve_is_kept_where_it_costs_least_and_dropped_where_it_costs_more() -> None:
    busy = weights(working_min=1, distance_km=1, unreserved=100)
    asked = request(pickup=Visit(place=1, window=TimeWindow(0, 600), service_s=30))
    problem = day(asked, duties=TWO, weights=busy, reserves=(reserve(),))
    plan = solved(problem)
    (block,) = stops(plan, StopKind.RESERVE)
    assert (block.reserve, block.end_s - block.begin_s) == ("R", 1800)
    assert plan.unreserved == ()
    stingy = solved(replace(problem, weights=replace(busy, unreserved=10)))
    assert (stops(stingy, StopKind.RESERVE), stingy.unreserved) == ([], ("R",))


def test_a_reserve_stands_on_a_duty_that_could_carry_what_it_is_for() -> None:
    stretcher = reserve(skills=frozenset({"stairs"}))
    problem = day(request(), duties=TWO, weights=weights(unreserved=9), reserves=(stretcher,))
    assert solved(problem).unreserved == ("R",)
    skilled = (TWO[0], replace(TWO[1], skills=frozenset({"stairs"})))
    (route,) = [
        route
        for route in solved(replace(problem, duties=skilled)).routes
        if any(stop.kind is StopKind.RESERVE for stop in route.stops)
    ]
    assert route.duty == "B"


def test_no_request_gives_way_to_a_reserve() -> None:
    """The shift has no time for both."""
    full = duty(shift=TimeWindow(0, 1800))
    problem = day(request(), duties=(full,), weights=weights(unreserved=1e5), reserves=(reserve(),))
    plan = solved(problem)
    assert (set(duties_of(plan)), plan.unreserved) == ({"x"}, ("R",))


def test_at_a_desk_a_reserve_gives_way_to_a_booking() -> None:
    """The shift has no time for both."""
    full = duty(shift=TimeWindow(0, 1800))
    problem = day(request(), duties=(full,), weights=weights(unreserved=1e5), reserves=(reserve(),))
    desk = Desk.open(problem)
    assert desk.plan().unreserved == ()
    desk.insert("x")
    assert desk.plan().unreserved == ("R",)
    assert desk.check() == []
    desk.remove("x")
    assert desk.plan().unreserved == ()


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
