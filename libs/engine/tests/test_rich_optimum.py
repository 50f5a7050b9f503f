"""How near the engine comes to proven optima, and that the proofs are what they say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations, product
from statistics import mean

import numpy as np
import pytest
from support.rich_optimum.instances import NUMBERS, rich_instance
from support.rich_optimum.proof import Proof
from support.rich_optimum.stored import StoredOptimum, read_optima
from support.rich_optimum.timetables import (
    cheapest_times,
    customary_times,
    network_of,
    plan_of,
)

from atmr_engine import Budget, check, evaluate, solve
from atmr_engine.plan import Plan
from atmr_engine.problem import DriverKind, Problem, SameDriver
from atmr_engine.rules import Rule, Waiver

ITERATIONS = 10_000
"""What the search does in about a second of one core on such a day."""
MOST_MEAN_GAP = 0.005
"""The goal; a second reaches less than a tenth of it (`make bench-optimal`)."""
OPTIMA = read_optima()


@pytest.mark.parametrize("stored", OPTIMA, ids=lambda stored: f"day{stored.instance}")
def test_a_stored_optimum_is_a_valid_plan_of_its_cost(stored: StoredOptimum) -> None:
    problem, plan = stored.problem(), stored.plan()
    assert check(problem, plan) == []
    cost = evaluate(problem, plan)
    assert cost.total == pytest.approx(stored.optimum, abs=1e-5)
    assert stored.optimum <= stored.customary + 1e-6
    left_out = problem.weights.unserved * cost.unserved
    left_out += problem.weights.unserved_priority * cost.unserved_priority
    assert stored.unserved == left_out


def test_all_constraints_occur() -> None:
    assert [stored.instance for stored in OPTIMA] == list(NUMBERS)
    problems = [stored.problem() for stored in OPTIMA]
    requests = [request for problem in problems for request in problem.requests]
    duties = [duty for problem in problems for duty in problem.duties]
    assert all(len(problem.requests) == 16 for problem in problems)
    assert all(request.max_ride_s < np.inf for request in requests)
    for what in ("equipment", "skills", "ride_alone", "share_group", "cleaning_s", "priority",
                 "locked_duty", "link"):  # fmt: skip
        assert {bool(getattr(request, what)) for request in requests} == {True, False}, what
    assert {request.crew for request in requests} == {1, 2}
    assert {request.priority for request in requests} == {0, 1, 2}
    for kind in ("seats", "wheelchairs", "stretchers"):
        assert any(getattr(request.load, kind) for request in requests)
    assert {r.link.same_driver for r in requests if r.link} == set(SameDriver)
    assert {duty.driver_kind for duty in duties} == set(DriverKind)
    assert {len(duty.breaks) for duty in duties} == {0, 1, 2}
    assert {duty.end_place is None for duty in duties} == {True, False}
    assert any(duty.max_duration_s < np.inf for duty in duties)
    assert any(duty.capacity.fold_seats_per_wheelchair for duty in duties)


def test_no_plan_costs_less_than_the_optimum_and_the_mean_gap_is_small() -> None:
    gaps = {}
    for stored in OPTIMA:
        problem = stored.problem()
        plan = solve(problem, Budget(iterations=ITERATIONS), seed=1)
        gaps[stored.instance] = stored.gap(evaluate(problem, plan).total)
    told = ", ".join(f"{day}: {100 * gap:.2f} %" for day, gap in gaps.items())
    assert min(gaps.values()) > -1e-6, told
    assert mean(gaps.values()) <= MOST_MEAN_GAP, f"mean {100 * mean(gaps.values()):.2f} %: {told}"


def small(number: int, duties: tuple[int, ...], *, apart: bool = False) -> Problem:
    """A round trip and one more leg of a rich day; where `apart`, on two duties with a long stay.

    Leaving somebody unserved may pay.
    """
    problem = rich_instance(number)
    chosen = tuple(problem.duties[duty] for duty in duties)
    first = 2 * (number % 8)
    requests = [
        replace(problem.requests[k % 16], locked_duty=None) for k in (first, first + 1, first + 2)
    ]
    if apart:
        link = requests[1].link
        assert link is not None
        later = replace(link, stay_s=link.stay_s + 1_200.0, same_driver=SameDriver.PREFER)
        requests[0] = replace(requests[0], locked_duty=chosen[0].id)
        requests[1] = replace(requests[1], locked_duty=chosen[1].id, link=later)
    weights = replace(problem.weights, unserved=150.0, unserved_priority=10.0)
    return replace(problem, requests=tuple(requests), duties=chosen, weights=weights)


def orders(problem: Problem, duty: int, requests: list[int]) -> Iterator[tuple[int, ...]]:
    """Every order of stops in which each pickup comes before its drop-off."""
    first_break = 2 * len(problem.requests)
    nodes = [node for request in requests for node in (2 * request, 2 * request + 1)]
    nodes += [first_break + pause for pause in range(len(problem.duties[duty].breaks))]
    for order in permutations(nodes):
        if all(order.index(2 * r) < order.index(2 * r + 1) for r in requests):
            yield order


def valid_sequences(problem: Problem, duty: int, requests: list[int]) -> list[tuple[int, ...]]:
    """The orders that the checker accepts by themselves."""
    found = []
    for order in orders(problem, duty, requests):
        network = network_of(problem, {duty: order})
        times = customary_times(network)
        if times is not None and check(problem, plan_of(network, times)) == []:
            found.append(order)
    return found


def cheapest_by_force(problem: Problem) -> float:
    """Every request on every duty or on none, every order of stops, judged by the checker."""
    sequences: dict[tuple[int, tuple[int, ...]], list[tuple[int, ...]]] = {}
    best = evaluate(problem, Plan(routes=())).total
    nobody = len(problem.duties)
    for who in product(range(nobody + 1), repeat=len(problem.requests)):
        choices = []
        used = sorted(set(who) - {nobody})
        for duty in used:
            mine = [request for request, at in enumerate(who) if at == duty]
            key = duty, tuple(mine)
            if key not in sequences:
                sequences[key] = valid_sequences(problem, duty, mine)
            choices.append(sequences[key])
        for combination in product(*choices):
            network = network_of(problem, dict(zip(used, combination, strict=True)))
            times = cheapest_times(network)
            if times is not None:
                plan = plan_of(network, times)
                if check(problem, plan) == []:
                    best = min(best, evaluate(problem, plan).total)
    return best


@pytest.mark.parametrize("duties", [(0, 4), (1, 2)])
@pytest.mark.parametrize("number", range(4))
def test_a_proof_finds_what_trying_everything_finds(number: int, duties: tuple[int, ...]) -> None:
    problem = small(number, duties)
    best = Proof.of(problem).optimum()
    assert check(problem, best.plan) == []
    assert best.cost == pytest.approx(best.bound, abs=1e-5)
    assert best.cost == pytest.approx(cheapest_by_force(problem), abs=1e-5)


def test_a_link_between_two_routes_is_paid_for() -> None:
    cuts = 0
    for number in range(8):
        problem = small(number, (0, 4), apart=True)
        best = Proof.of(problem).optimum()
        assert check(problem, best.plan) == []
        assert best.cost == pytest.approx(cheapest_by_force(problem), abs=1e-5)
        cuts += best.cuts
    assert cuts > 0


def test_what_the_proof_does_not_look_at_is_refused() -> None:
    problem = rich_instance(0)
    time_s = problem.travel.time_s.copy()
    time_s[3, 7] += 3_600.0
    with pytest.raises(ValueError, match="way round"):
        Proof.of(replace(problem, travel=replace(problem.travel, time_s=time_s)))
    waiver = Waiver(rule=Rule.WINDOW, subject="out0", excess_s=60, reason="late", granted_by="ada")
    with pytest.raises(ValueError, match="waivers"):
        Proof.of(replace(problem, waivers=(waiver,)))
