from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atmr_engine.improve.duty_classes import duty_classes
from atmr_engine.improve.partition import recombine
from atmr_engine.improve.route_pool import RoutePool
from atmr_engine.objective import Weights
from atmr_engine.problem import (
    Break,
    Capacity,
    Committed,
    Duty,
    Link,
    Problem,
    Request,
    SameDriver,
    TimeWindow,
    Travel,
    Visit,
)
from atmr_engine.rules import Rule, Waiver

NODES = 1_000


def made(requests: int, capacities: list[int], *, committed: int | None = None) -> Problem:
    """Duties are alike where their capacities are; request 0 may stand in a committed beginning."""
    fixed = (Committed(kind="pickup", request="r0"), Committed(kind="dropoff", request="r0"))
    return Problem(
        requests=tuple(
            Request(id=f"r{k}", pickup=Visit(place=0), dropoff=Visit(place=0), priority=k % 2)
            for k in range(requests)
        ),
        duties=tuple(
            Duty(
                id=f"d{k}",
                driver=f"driver{k}",
                capacity=Capacity(seats=seats),
                shift=TimeWindow(0, 40_000),
                committed=fixed if k == committed else (),
                breaks=(Break(duration_s=900, window=TimeWindow(0, 30_000)),),
            )
            for k, seats in enumerate(capacities)
        ),
        travel=Travel(time_s=np.zeros((1, 1)), distance_km=np.zeros((1, 1))),
        weights=Weights(unserved=20.0, unserved_priority=3.0),
    )


def route(*requests: int) -> list[int]:
    return [node for request in requests for node in (2 * request, 2 * request + 1)]


def is_plan(pool: RoutePool, chosen: tuple[int, ...]) -> bool:
    """Nobody twice, no class of duties more or less often than it may, and nobody fixed left."""
    served = [int(r) for slot in chosen for r in pool.members[slot] if r >= 0]
    driven = np.bincount(pool.group[list(chosen)], minlength=len(pool.classes.most))
    return (
        len(set(served)) == len(served)
        and bool(np.all(driven <= pool.classes.most))
        and bool(np.all(driven >= pool.classes.least))
        and bool(np.isfinite(pool.cost_of(chosen)))
    )


def cheapest_by_force(pool: RoutePool, refused: list[tuple[int, ...]]) -> float:
    slots = [int(slot) for slot in pool.live()]
    return min(
        pool.cost_of(chosen)
        for count in range(len(slots) + 1)
        for chosen in combinations(slots, count)
        if is_plan(pool, chosen) and not any(set(bad) <= set(chosen) for bad in refused)
    )


ROUTES = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sets(st.integers(0, 5), min_size=1, max_size=4),
        st.integers(1, 40),
    ),
    max_size=10,
)
CAPACITIES = st.lists(st.integers(1, 2), min_size=4, max_size=4)


@settings(max_examples=60, deadline=None)
@given(routes=ROUTES, capacities=CAPACITIES, committed=st.booleans())
def test_the_choice_is_the_cheapest_of_all(
    routes: list[tuple[int, set[int], int]],
    capacities: list[int],
    committed: bool,  # noqa: FBT001 (drawn)
) -> None:
    pool = RoutePool(made(6, capacities, committed=0 if committed else None))
    present = [pool.add(0, route(0), 30.0)] if committed else []
    for duty, requests, cost in routes:
        pool.add(duty, route(*sorted(requests)), float(cost))
    cheapest = cheapest_by_force(pool, [])
    chosen = recombine(pool, present, NODES)
    if chosen is None:
        assert pool.cost_of(present) == pytest.approx(cheapest)
        return
    assert is_plan(pool, tuple(chosen))
    assert pool.cost_of(chosen) == pytest.approx(cheapest)
    assert pool.cost_of(chosen) < pool.cost_of(present)
    duties = pool.seat(chosen)
    assert len(set(duties)) == len(duties)
    groups = pool.classes.of_duty
    assert [groups[duty] for duty in duties] == [pool.group[slot] for slot in chosen]
    again = recombine(pool, chosen, NODES)
    assert again is None


@settings(max_examples=25, deadline=None)
@given(routes=ROUTES, capacities=CAPACITIES)
def test_what_is_refused_is_not_chosen_again(
    routes: list[tuple[int, set[int], int]], capacities: list[int]
) -> None:
    pool = RoutePool(made(6, capacities))
    for duty, requests, cost in routes:
        pool.add(duty, route(*sorted(requests)), float(cost))
    refused: list[tuple[int, ...]] = []
    for _ in range(3):
        chosen = recombine(pool, [], NODES, refused)
        if chosen is None:
            break
        assert pool.cost_of(chosen) == pytest.approx(cheapest_by_force(pool, refused))
        refused.append(tuple(chosen))
    assert len(set(refused)) == len(refused)


def pool_of_plans(seed: int, most: int, plans: int) -> tuple[RoutePool, list[int]]:
    """The routes of many plans for 40 requests in a plane, and the first plan."""
    random = np.random.default_rng(seed)
    pool = RoutePool(made(40, [1, 1, 1, 2, 2]), most)
    points = random.uniform(0, 10, (40, 2))
    present: list[int] = []
    for _ in range(plans):
        centres = random.uniform(0, 10, (5, 2))
        nearest = ((points[:, None] - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
        slots = []
        for duty in range(5):
            members = np.flatnonzero(nearest == duty)
            if len(members):
                order = members[np.argsort(points[members, duty % 2])]
                way = np.diff(points[order], axis=0, prepend=5.0, append=5.0)
                slots.append(pool.add(duty, route(*order), float(np.hypot(*way.T).sum())))
        present = present or slots
    return pool, present


@pytest.mark.parametrize("seed", range(3))
def test_the_same_pool_gives_the_same_plan(seed: int) -> None:
    chosen = [recombine(*pool_of_plans(seed, 5_000, 400), 20) for _ in range(2)]
    assert chosen[0] == chosen[1]


@pytest.mark.parametrize("seed", range(3))
def test_routes_that_join_later_are_priced_too(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The linear programme over a part of the pool ends where the one over all of it does."""
    monkeypatch.setattr("atmr_engine.improve.partition.FIRST_COLUMNS", 1)
    monkeypatch.setattr("atmr_engine.improve.partition.MORE_COLUMNS", 1)
    few, present = pool_of_plans(seed, 5_000, 100)
    recombine(few, present, NODES)
    slots = few.live()
    assert few.reduced_costs(slots).min() > -1e-5
    assert few.prices is not None
    monkeypatch.undo()
    whole, _ = pool_of_plans(seed, 5_000, 100)
    recombine(whole, present, NODES)
    assert whole.prices is not None
    costs = [
        float(pool.prices[:40].sum() + (pool.classes.most * pool.prices[40:]).sum())
        for pool in (few, whole)
        if pool.prices is not None
    ]
    assert costs[0] == pytest.approx(costs[1])


def test_a_present_that_is_no_plan_is_an_error() -> None:
    pool = RoutePool(made(3, [1, 1], committed=0))
    first, other = pool.add(0, route(0), 5.0), pool.add(1, route(0, 1), 5.0)
    with pytest.raises(ValueError, match="twice"):
        recombine(pool, [first, other], NODES)
    with pytest.raises(ValueError, match="committed"):
        recombine(pool, [], NODES)


def test_the_cheaper_of_two_like_routes_stays() -> None:
    pool = RoutePool(made(4, [1, 1, 2]))
    slot = pool.add(0, route(2, 1), 8.0)
    assert pool.add(1, route(1, 2), 7.0) == slot
    assert pool.add(0, route(2, 1), 9.0) == slot
    assert (pool.cost[slot], pool.duty[slot]) == (7.0, 1)
    assert list(pool.stops_on(slot, 1)) == [2, 3, 4, 5]
    assert pool.add(2, route(1, 2), 6.0) != slot
    assert len(pool) == 2


def test_breaks_are_those_of_the_duty_that_drives() -> None:
    pool = RoutePool(made(4, [1, 1, 1]))
    slot = pool.add(1, [2, 3, 9], 8.0)
    assert list(pool.stops_on(slot, 1)) == [2, 3, 9]
    assert list(pool.stops_on(slot, 0)) == [2, 3, 8]
    assert list(pool.stops_on(slot, 2)) == [2, 3, 10]


def test_a_full_pool_lets_the_oldest_go_and_then_the_dearest() -> None:
    pool = RoutePool(made(12, [1, 1]), most=8)
    slots = [pool.add(0, route(k), 1.0 + k) for k in range(8)]
    pool.add(0, route(0), 1.0)  # seen again: young
    pool.add(0, route(8), 1.0)
    assert sorted(int(pool.members[slot, 0]) for slot in pool.live()) == [0, 3, 4, 5, 6, 7, 8]
    assert pool.live()[-1] == slots[-1]
    recombine(pool, [], NODES)
    pool.add(0, route(9), 30.0)
    pool.add(0, route(10), 1.0)  # evicts two of 3 to 7 and 0: those with the highest reduced costs
    left = {int(pool.members[slot, 0]) for slot in pool.live()}
    assert pool.prices is not None
    gain = {k: pool.unserved[k] - 1.0 - k for k in (0, 3, 4, 5, 6, 7)}
    dearest = sorted(gain, key=lambda k: gain[k])[:2]
    assert left == {0, 3, 4, 5, 6, 7, 8, 9, 10} - set(dearest)


def test_pools_of_any_size_keep_count() -> None:
    pool, _ = pool_of_plans(0, 300, 300)
    assert len(pool) == len(pool.live()) <= 300
    served = {(int(pool.group[slot]), *pool.members[slot]) for slot in pool.live()}
    assert len(served) == len(pool)


@pytest.mark.parametrize(("sequence", "cost"), [([], 1.0), ([0, 1], float("nan"))])
def test_what_is_no_route_is_refused(sequence: list[int], cost: float) -> None:
    with pytest.raises(ValueError, match=r"no route|finite"):
        RoutePool(made(2, [1])).add(0, sequence, cost)


def test_only_duties_without_a_difference_exchange_routes() -> None:
    problem = made(3, [1, 1, 2, 1, 1, 1], committed=1)
    assert list(duty_classes(problem).of_duty) == [0, 1, 2, 0, 0, 0]
    pinned = replace(problem.requests[1], locked_duty="d3")
    waiver = Waiver(rule=Rule.SHIFT, subject="d4", excess_s=60, reason="late", granted_by="anna")
    told = replace(
        problem, requests=(problem.requests[0], pinned, problem.requests[2]), waivers=(waiver,)
    )
    assert list(duty_classes(told).of_duty) == [0, 1, 2, 3, 4, 0]
    assert list(duty_classes(told).least) == [0, 1, 0, 0, 0]
    assert list(duty_classes(told).most) == [2, 1, 1, 1, 1]


def test_a_driver_with_two_duties_is_told_apart_where_links_ask_for_one() -> None:
    problem = made(2, [1, 1, 1])
    duties = tuple(
        replace(duty, driver="ada" if k < 2 else "ben") for k, duty in enumerate(problem.duties)
    )
    link = Link(after="r0", same_driver=SameDriver.REQUIRE)
    free = replace(problem, duties=duties)
    asked = replace(free, requests=(problem.requests[0], replace(problem.requests[1], link=link)))
    assert list(duty_classes(free).of_duty) == [0, 0, 0]
    assert list(duty_classes(asked).of_duty) == [0, 1, 2]


def test_what_a_request_was_promised_tells_duties_apart() -> None:
    problem = made(3, [1, 1, 1, 1])
    first, second, third = problem.requests
    told = replace(
        problem,
        requests=(
            replace(first, published_duty="d1"),
            replace(second, familiar=frozenset({"driver3"})),
            third,
        ),
    )
    assert list(duty_classes(told).of_duty) == [0, 1, 0, 2]


def test_highs_is_loaded_by_who_recombines_alone() -> None:
    """Its symbols are those of OR-Tools' own copy, and it loads slowly."""
    program = "import sys, atmr_engine.solver; sys.exit('highspy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
