from __future__ import annotations

import contextlib
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atmr_engine import (
    Break,
    Budget,
    Capacity,
    Committed,
    Cost,
    Duty,
    Link,
    Plan,
    Problem,
    ProblemError,
    Request,
    SameDriver,
    StopKind,
    TimeWindow,
    Travel,
    Visit,
    Weights,
    evaluate,
    solve,
)
from atmr_engine.difference import services
from atmr_engine.insertion import cheapest_in_duty, may_serve
from atmr_engine.online.desk import Desk, RefusedError
from atmr_engine.simulate.rich_problems import RichDay, rich_problem
from atmr_engine.state import BANKED

HOUR = 3600.0
MINUTE = 60.0
DAYS = st.builds(
    RichDay,
    requests=st.integers(2, 14),
    duties=st.integers(1, 4),
    size_km=st.sampled_from([3.0, 12.0]),
    triangle=st.booleans(),
    waivers=st.booleans(),
    wishes=st.booleans(),
    unsteady=st.booleans(),
)
SEEDS = st.integers(0, 10_000)
WEIGHTS = st.sampled_from([Weights(), Weights.distance_only(), Weights.vehicles_first()])


@given(st.integers(2, 14), st.integers(1, 4), SEEDS)
@settings(max_examples=30, deadline=None)
def test_reserves_stand_behind_all_requests(requests: int, duties: int, seed: int) -> None:
    day = RichDay(requests, duties, reserves=True, wishes=seed % 2 == 1)
    problem = rich_problem(day, seed, Weights())
    planned = solve(problem, Budget(iterations=16))
    desk = Desk.open(problem, planned)
    assert desk.lost == ()
    assert {r for route in desk.plan().routes for r in route.requests} == set(
        services(planned.routes)
    )
    for request_id in [r.id for r in problem.requests if desk.is_served(r.id)]:
        with contextlib.suppress(RefusedError):
            desk.remove(request_id)
            assert desk.check() == []
    for request_id in unserved(desk):
        with contextlib.suppress(RefusedError):
            desk.insert(request_id)
            assert desk.check() == []
    plan = desk.plan()
    kept = [s.reserve for r in plan.routes for s in r.stops if s.kind is StopKind.RESERVE]
    assert sorted([*kept, *plan.unreserved]) == [reserve.id for reserve in problem.reserves]


def unserved(desk: Desk) -> list[str]:
    return [r.id for r in desk.problem.requests if not desk.is_served(r.id)]


def same(first: Cost, second: Cost) -> None:
    for item in fields(Cost):
        assert getattr(first, item.name) == pytest.approx(
            getattr(second, item.name), abs=1e-6, rel=1e-9
        ), item.name


def difference(after: Cost, before: Cost) -> Cost:
    names = [item.name for item in fields(Cost)]
    return Cost(**{name: getattr(after, name) - getattr(before, name) for name in names})


@settings(max_examples=30, deadline=None)
@given(day=DAYS, seed=SEEDS, weights=WEIGHTS)
def test_an_offer_is_what_the_plan_costs_after_less_what_it_cost_before(
    day: RichDay, seed: int, weights: Weights
) -> None:
    desk = Desk.open(rich_problem(day, seed, weights))
    for request in [r.id for r in desk.problem.requests]:
        before = desk.plan()
        for offer in desk.offers(request, day.duties):
            other = Desk.open(desk.problem, before)
            assert (other.lost, other.keeps_times) == ((), True)
            assert other.routes() == before.routes
            other.insert(request, other.offer_of(request, offer.duty))
            after = other.plan()
            assert other.check() == []
            same(
                offer.added,
                difference(evaluate(desk.problem, after), evaluate(desk.problem, before)),
            )
            old, new = services(before.routes), services(after.routes)
            assert (new[request].pickup_s, new[request].dropoff_s) == pytest.approx(
                (offer.pickup_s, offer.dropoff_s), abs=1e-6
            )
            moved = {
                name
                for name, was in old.items()
                if max(
                    abs(new[name].pickup_s - was.pickup_s), abs(new[name].dropoff_s - was.dropoff_s)
                )
                > 1e-3
            }
            assert {m.request for m in offer.moved} == moved
        if desk.offers(request, 1):
            desk.insert(request)
    assert desk.check() == []


@settings(max_examples=30, deadline=None)
@given(day=DAYS, seed=SEEDS, weights=WEIGHTS, k=st.integers(1, 4))
def test_the_scan_finds_the_cheapest_duties_in_order(
    day: RichDay, seed: int, weights: Weights, k: int
) -> None:
    desk = Desk.open(rich_problem(day, seed, weights))
    for request in [r.id for r in desk.problem.requests]:
        index = desk.index(request)
        expected = sorted(
            added + 0.0
            for duty in range(day.duties)
            if may_serve(desk.arrays, desk.state, index, duty)
            and (
                added := cheapest_in_duty(desk.arrays, desk.state, index, duty, np.inf)[0]
                + desk_driver_cost(desk, index, duty)
            )
            < np.inf
        )
        offers = desk.offers(request, k)
        plain = [offer.price for offer in offers if not offer.moves_breaks]
        assert [offer.price for offer in offers] == sorted(offer.price for offer in offers)
        assert plain == pytest.approx(expected[: len(plain)], abs=1e-6)
        assert len(offers) == k or len(plain) == len(expected)
        if offers:
            desk.insert(request, offers[0])


def desk_driver_cost(desk: Desk, request: int, duty: int) -> float:
    from atmr_engine.plan_price import change_cost  # noqa: PLC0415 (compiled)

    return float(change_cost(desk.arrays, desk.state.route_of, request, duty))


@settings(max_examples=30, deadline=None)
@given(day=DAYS, seed=SEEDS)
def test_bookings_added_one_by_one_are_offered_what_a_fresh_desk_offers(
    day: RichDay, seed: int
) -> None:
    problem = rich_problem(replace(day, waivers=False), seed, Weights())
    desk = Desk.open(replace(problem, requests=()), reserve=3)
    for request in problem.requests:  # outbound legs stand before their returns
        desk.add(request)
        fresh = Desk.open(desk.problem, desk.plan())
        mine, theirs = desk.offers(request.id, 4), fresh.offers(request.id, 4)
        assert [o.duty for o in mine] == [o.duty for o in theirs]
        assert [o.price for o in mine] == pytest.approx([o.price for o in theirs], abs=1e-6)
        if mine:
            desk.insert(request.id, mine[0])
    assert desk.check() == []
    assert desk.problem.requests == problem.requests
    for request in problem.requests[::2]:  # outbound legs are placed anew before their returns
        if desk.is_served(request.id):
            try:
                desk.remove(request.id)
            except RefusedError:
                continue
        fresh = Desk.open(desk.problem, desk.plan())
        mine, theirs = desk.offers(request.id, 4), fresh.offers(request.id, 4)
        assert [o.price for o in mine] == pytest.approx([o.price for o in theirs], abs=1e-6)
    assert desk.check() == []
    assert sorted(desk.state.bank[: desk.state.counters[BANKED]]) == [
        desk.index(name) for name in unserved(desk)
    ]


@settings(max_examples=30, deadline=None)
@given(day=DAYS, seed=SEEDS)
def test_what_is_removed_and_what_stays_make_a_valid_plan(day: RichDay, seed: int) -> None:
    problem = rich_problem(day, seed, Weights())
    desk = Desk.open(problem, solve(problem, Budget(iterations=20), seed))
    for request in problem.requests[::2]:
        if desk.is_served(request.id):
            was = desk.cost()
            try:
                desk.remove(request.id)
            except RefusedError:
                assert not day.triangle
                assert desk.cost() == was
                continue
            assert not desk.is_served(request.id)
    assert desk.check() == []


# ---- small days by hand


def travel(places: int = 5) -> Travel:
    apart = np.abs(np.arange(float(places))[:, None] - np.arange(float(places))[None])
    return Travel(time_s=apart * 10 * MINUTE, distance_km=apart)


def request(name: str, at_s: float, width_s: float = 30 * MINUTE, **changes: object) -> Request:
    window = TimeWindow(at_s - width_s, at_s)
    plain = Request(id=name, pickup=Visit(place=1), dropoff=Visit(place=3, window=window))
    return replace(plain, **changes)


def duty(name: str, **changes: object) -> Duty:
    shift = TimeWindow(6 * HOUR, 18 * HOUR)
    plain = Duty(id=name, capacity=Capacity(seats=2), shift=shift, start_place=0, end_place=0)
    return replace(plain, driver=f"driver of {name}", **changes)


def day(requests: list[Request], duties: list[Duty]) -> Problem:
    return Problem(requests=tuple(requests), duties=tuple(duties), travel=travel())


def test_an_offer_says_who_is_moved_and_who_was_told() -> None:
    first = request("first", 10 * HOUR, pickup=Visit(place=1, window=TimeWindow(9 * HOUR, 1e9)))
    on_the_way = request(
        "second", 10 * HOUR, pickup=Visit(place=2, service_s=5 * MINUTE), dropoff=first.dropoff
    )
    desk = Desk.open(day([first, on_the_way], [duty("one")]), told={"first": 9.5 * HOUR})
    desk.insert("first")
    was = services(desk.routes())["first"]
    offer = desk.offers("second")[0]
    assert offer.driver == "driver of one"
    assert [m.request for m in offer.moved] == ["first"]
    desk.insert("second", offer)
    now = services(desk.routes())["first"]
    assert offer.moved[0].pickup_by_s == now.pickup_s - was.pickup_s
    assert offer.moved[0].dropoff_by_s == now.dropoff_s - was.dropoff_s
    assert offer.moves_told == int(abs(now.pickup_s - was.pickup_s) >= 60.0)
    assert "1 other moved by up to" in offer.sentence(desk.problem)


def test_a_break_is_taken_elsewhere_where_nothing_else_helps() -> None:
    pause = Break(duration_s=10 * MINUTE, window=TimeWindow(9 * HOUR, 11 * HOUR))
    first, second = (request(name, at, 0.0) for name, at in (("a", 10.5 * HOUR), ("b", 40_200.0)))
    desk = Desk.open(day([first], [duty("one", breaks=(pause,))]))
    desk.insert("a")
    assert [stop.kind for stop in desk.routes()[0].stops][3] is StopKind.BREAK
    desk.add(second)
    before = desk.routes()
    offers = desk.offers("b")
    assert desk.routes() == before
    assert [offer.moves_breaks for offer in offers] == [True]
    assert "a break is taken elsewhere" in offers[0].sentence(desk.problem)
    assert desk.offers("b") == offers
    desk.insert("b", offers[0])
    assert desk.check() == []


def test_what_cannot_be_done_is_refused_and_nothing_changes() -> None:
    locked = request("locked", 9 * HOUR)
    done = Committed(kind="pickup", request="locked", begin_s=8.4 * HOUR)
    one = duty("one", committed=(done,))
    desk = Desk.open(day([locked, request("free", 12 * HOUR)], [one, duty("two")]))
    assert desk.duty_of("locked") == "one"
    with pytest.raises(RefusedError, match="committed"):
        desk.remove("locked")
    with pytest.raises(RefusedError, match="not served"):
        desk.remove("free")
    with pytest.raises(RefusedError, match="served by duty 'one'"):
        desk.offers("locked")
    with pytest.raises(KeyError):
        desk.offers("nobody")
    with pytest.raises(ValueError, match="at least one offer"):
        desk.offers("free", 0)
    offer = desk.offers("free")[0]
    desk.add(request("new", 12 * HOUR))
    with pytest.raises(RefusedError, match="for 'free'"):
        desk.insert("new", offer)
    desk.insert("new", desk.offer_of("new", offer.duty))
    with pytest.raises(RefusedError, match="has changed"):
        desk.insert("free", offer)
    assert desk.check() == []


def test_no_offer_is_a_refusal() -> None:
    desk = Desk.open(day([request("far", 5 * HOUR)], [duty("one")]))
    assert desk.offers("far") == ()
    with pytest.raises(RefusedError, match="no duty can serve 'far'"):
        desk.insert("far")
    assert desk.plan().unserved[0].request == "far"
    assert Desk.open(day([request("far", 5 * HOUR)], [])).offers("far") == ()


def test_a_request_that_was_taken_out_is_said_to_fit() -> None:
    desk = Desk.open(day([request("one", 10 * HOUR)], [duty("one")]))
    desk.insert("one")
    desk.remove("one")
    assert "fits as things stand" in desk.plan().unserved[0].reason


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (request("first", 9 * HOUR), r"requests\[1\].id"),
        (request("new", 9 * HOUR, pickup=Visit(place=99)), r"requests\[1\].pickup.place"),
        (request("new", 9 * HOUR, locked_duty="none"), r"requests\[1\].locked_duty"),
        (request("new", 9 * HOUR, link=Link(after="none")), r"requests\[1\].link.after"),
        (request("new", 9 * HOUR, link=Link(after="new")), r"requests\[1\].link.after"),
    ],
)
def test_a_booking_that_cannot_be_right_is_refused_at_the_door(wrong: Request, field: str) -> None:
    desk = Desk.open(day([request("first", 9 * HOUR)], [duty("one")]))
    with pytest.raises(ProblemError, match=field):
        desk.add(wrong)
    assert len(desk.problem.requests) == 1


def test_offers_of_an_older_compilation_are_outdated() -> None:
    desk = Desk.open(day([request("first", 9 * HOUR)], [duty("one")]), reserve=1)
    offer = desk.offers("first")[0]
    desk.add(request("a", 12 * HOUR))
    assert desk.offers("first") == (offer,)
    desk.add(request("b", 12 * HOUR))  # the reserve is used up: compiled anew
    with pytest.raises(RefusedError, match="has changed"):
        desk.insert("first", offer)


def test_a_preferred_driver_is_part_of_the_price() -> None:
    back = Request(
        id="back",
        pickup=Visit(place=3, window=TimeWindow(12 * HOUR, 13 * HOUR)),
        dropoff=Visit(place=1),
        link=Link(after="out", stay_s=HOUR, same_driver=SameDriver.PREFER),
    )
    desk = Desk.open(day([request("out", 10 * HOUR), back], [duty("one"), duty("two")]))
    desk.insert("out", desk.offer_of("out", "two"))
    own, other = desk.offer_of("back", "two"), desk.offer_of("back", "one")
    assert own is not None
    assert other is not None
    assert (own.added.driver_changes, other.added.driver_changes) == (0, 1)


def test_a_desk_keeps_the_times_of_a_valid_plan() -> None:
    problem = day([request("first", 9 * HOUR, 2 * HOUR)], [duty("one")])
    plan = solve(problem, Budget(iterations=0))
    later = [
        replace(s, arrival_s=s.arrival_s + 60, begin_s=s.begin_s + 60, end_s=s.end_s + 60)
        for s in plan.routes[0].stops
    ]
    shifted = replace(plan, routes=(replace(plan.routes[0], stops=tuple(later)),))
    assert Desk.open(problem, shifted).routes() == shifted.routes
    hours_later = [replace(s, begin_s=s.begin_s + 2.5 * HOUR) for s in plan.routes[0].stops]
    broken = replace(plan, routes=(replace(plan.routes[0], stops=tuple(hours_later)),))
    desk = Desk.open(problem, broken)
    assert (desk.lost, desk.keeps_times, desk.routes()) == ((), False, plan.routes)


def test_an_outbound_leg_is_offered_times_that_its_added_return_can_keep() -> None:
    out = request("out", 11 * HOUR, 2 * HOUR)
    back = Request(
        id="back",
        pickup=Visit(place=3, window=TimeWindow(11 * HOUR, 11 * HOUR)),
        dropoff=Visit(place=1),
        link=Link(after="out", stay_s=HOUR),
    )
    desk = Desk.open(day([out], [duty("one"), duty("two")]))
    desk.add(back)
    desk.insert("back", desk.offer_of("back", "one"))
    assert all(offer.dropoff_s <= 10 * HOUR for offer in desk.offers("out"))
    assert len(desk.offers("out")) == 2
    stricter = replace(out, dropoff=replace(out.dropoff, window=TimeWindow(10.5 * HOUR, 11 * HOUR)))
    late = Desk.open(day([stricter], [duty("one"), duty("two")]))
    late.add(back)
    late.insert("back", late.offer_of("back", "one"))
    assert late.offers("out") == ()


def test_what_a_plan_breaks_is_lost_and_named() -> None:
    problem = day([request("first", 9 * HOUR)], [duty("one")])
    plan = solve(problem, Budget(iterations=0))
    later = replace(problem, requests=(request("first", 5 * HOUR),))
    desk = Desk.open(later, plan)
    assert (desk.lost, desk.keeps_times) == (("first",), False)
    assert Desk.open(problem, plan).lost == ()
    assert Desk.open(problem, Plan(routes=())).lost == ()
