"""Offers for a request, from the compiled scan to prices by term and the times of all affected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine import breaks
from atmr_engine.arrays import table
from atmr_engine.cost_difference import cost_difference, cost_sum
from atmr_engine.difference import moved_requests, services, told_moves
from atmr_engine.insertion import may_serve
from atmr_engine.objective import Cost, driver_of, route_cost
from atmr_engine.online.offer import Offer, Placement
from atmr_engine.online.scan import PLACING, lay_times, scan
from atmr_engine.problem import SameDriver

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from numpy.typing import NDArray

    from atmr_engine.online.held_plan import HeldPlan
    from atmr_engine.plan import Route


def quotes(held: HeldPlan, request: int, k: int, told: Collection[str]) -> tuple[Offer, ...]:
    """The `k` cheapest offers for an unserved request; see `Desk.offers`."""
    placings = cheapest_placings(held, request, k)
    offers = [plain_offer(held, request, placing, told) for placing in placings]
    if len(offers) < k:
        asked = {int(placing.duty) for placing in placings}
        offers += offers_moving_breaks(held, request, asked, told)
        offers.sort(key=lambda offer: offer.price)
    return tuple(offers[:k])


def cheapest_placings(held: HeldPlan, request: int, k: int) -> NDArray[Any]:
    """Where the cheapest duties, `k` at most, would place a request: (n,) PLACING."""
    found = table(min(k, len(held.problem.duties)), PLACING)
    if not len(found):
        return found
    return found[: scan(held.arrays, held.state, request, found)]


def plain_offer(held: HeldPlan, request: int, placing: Any, told: Collection[str]) -> Offer:
    """The offer of a duty whose stops stay in their order."""
    begin_s = np.zeros_like(held.state.begin_s)
    count = lay_times(held.arrays, held.state, request, placing, begin_s)
    nodes, timed = held.state.sequence[:count], held.state._replace(begin_s=begin_s)
    after = held.timed_route(int(placing.duty), nodes, timed)
    gaps = (int(placing.pickup_gap), int(placing.dropoff_gap))
    return priced(held, request, int(placing.duty), after, told, gaps)


def offers_moving_breaks(
    held: HeldPlan, request: int, asked: set[int], told: Collection[str]
) -> Iterator[Offer]:
    """The offers of duties that were not asked and have to take their breaks elsewhere."""
    for duty in range(len(held.problem.duties)):
        if duty in asked:
            continue
        with held.tentative():
            fits = insert_moving_breaks(held, request, duty)
            nodes = held.state.routes[duty, : held.state.length[duty]].copy()
            timed = held.state._replace(begin_s=held.state.begin_s.copy())
        if fits:
            after = held.timed_route(duty, nodes, timed)
            yield priced(held, request, duty, after, told, None)


def insert_moving_breaks(held: HeldPlan, request: int, duty: int) -> bool:
    """Serve a request by taking a duty's breaks elsewhere, for the caller to commit or roll back.

    The memory of an earlier attempt is cleared: it may have succeeded and been rolled back.
    """
    able = may_serve(held.arrays, held.state, request, duty)
    if not able or not breaks.movable_breaks(held.arrays, held.state, duty):
        return False
    held.state.stuck[request, duty] = 0
    return bool(breaks.insert_moving_breaks(held.arrays, held.state, request, duty))


def priced(
    held: HeldPlan,
    request: int,
    index: int,
    after: Route | None,
    told: Collection[str],
    gaps: tuple[int, int] | None,
) -> Offer:
    """The offer that a duty's route with the request amounts to."""
    duty, asked = held.problem.duties[index], held.problem.requests[request]
    if after is None:
        raise RuntimeError(f"duty {duty.id!r} has no route with {asked.id!r}: a defect")
    before, cost = held.route_and_cost(index)
    moved = moved_requests(() if before is None else (before,), (after,))
    service = services((after,))[asked.id]
    left_out = unserved_cost(held, request)
    others = cost_difference(driver_cost(held, request, index), left_out)
    added = cost_sum(cost_difference(route_cost(held.problem, after), cost), others)
    return Offer(
        request=asked.id,
        duty=duty.id,
        driver=duty.driver,
        added=added,
        price=added.total + left_out.total,
        pickup_s=service.pickup_s,
        dropoff_s=service.dropoff_s,
        moved=moved,
        moves_told=told_moves(moved, told),
        placement=Placement(versions=versions(held, request, index), gaps=gaps),
    )


def versions(held: HeldPlan, request: int, duty: int) -> tuple[int, int, int]:
    """What an offer holds for: the compiled problem, the duty's route, the request's links."""
    state = held.state
    return held.compiled_times, int(state.version[duty]), int(state.request_version[request])


def unserved_cost(held: HeldPlan, request: int) -> Cost:
    """What leaving a request out costs."""
    weights, priority = held.problem.weights, held.problem.requests[request].priority
    total = weights.unserved + weights.unserved_priority * priority
    return Cost(unserved=1, unserved_priority=priority, total=total)


def driver_cost(held: HeldPlan, request: int, duty: int) -> Cost:
    """What it costs linked legs that prefer one driver to have another with `duty`."""
    driver = driver_of(held.problem.duties[duty])
    changes = sum(driver != other for other in linked_drivers(held, request, SameDriver.PREFER))
    return Cost(driver_changes=changes, total=held.problem.weights.driver_changes * changes)


def linked_drivers(held: HeldPlan, request: int, wish: SameDriver) -> Iterator[str]:
    """Who drives the served legs whose link to the request has this wish about the driver."""
    rows = held.arrays.requests
    ties = [(request, int(rows["after"][request]))]
    follower = int(rows["first_follower"][request])
    while follower >= 0:
        ties.append((follower, follower))
        follower = int(rows["next_follower"][follower])
    for leg, other in ties:
        link = held.problem.requests[leg].link
        duty = int(held.state.route_of[other]) if other >= 0 else -1
        if duty >= 0 and link is not None and link.same_driver is wish:
            yield driver_of(held.problem.duties[duty])
