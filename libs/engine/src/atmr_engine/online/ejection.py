"""Room for a request that fits nowhere: another one makes way and is served elsewhere.

An ejection chain (Glover 1996): the request takes the place of a second, which takes a free place,
or that of a third, and so on. Commitments never move, and as few told times as possible.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.arrays import table
from atmr_engine.cost_difference import cost_difference
from atmr_engine.difference import TOLD_MOVED_S, moved_requests, services, told_moves
from atmr_engine.insertion import cheapest_in_duty, may_serve
from atmr_engine.journal import commit
from atmr_engine.online.chain import NOBODY, Chain, Move, Step
from atmr_engine.online.desk import RefusedError
from atmr_engine.online.scan import PLACING, scan
from atmr_engine.placement import insert
from atmr_engine.plan_price import total_cost
from atmr_engine.removal import pick, remove_picked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from atmr_engine.online.desk import Desk

MOST_EJECTED = 3
BREADTH = 8
"""Unfinished chains of one length that are carried on; only those of one ejection are all tried."""


def ejection_chain(desk: Desk, request_id: str, most_ejected: int = MOST_EJECTED) -> Chain | None:
    """The best chain that serves an unserved request; None where none was found.

    Chains that eject one request are all tried, then, only where none works, those of two (of the
    cheapest unfinished ones) and so on up to `most_ejected`. Of those of one length it has the
    fewest told times moved, then the least cost. The desk stays as it is; `follow` makes the moves.

    Raises:
        KeyError: for a request that the desk does not know.
        RefusedError: for one that is served.

    """
    request = desk.index(request_id)
    if desk.is_served(request_id):
        raise RefusedError(f"{request_id!r} is served by duty {desk.duty_of(request_id)!r}")
    told = np.array(
        [desk.index(r) for r in desk.told if r in desk.problem.request_index], dtype=int
    )
    frontier: list[tuple[Step, ...]] = [()]
    for _ in range(most_ejected):
        finished: list[tuple[int, float, tuple[Step, ...]]] = []
        unfinished: list[tuple[float, tuple[Step, ...]]] = []
        for steps in frontier:
            hand = steps[-1].ejected if steps else request
            for step in ejections(desk, steps, hand):
                chain = (*steps, step)
                with desk.tentative():
                    before = desk.state.begin_s[2 * told].copy()
                    for each in chain:
                        take(desk, each)
                    last = cheapest(desk, step.ejected)
                    if last is not None:
                        take(desk, last)
                        moved = np.abs(desk.state.begin_s[2 * told] - before) >= TOLD_MOVED_S
                        finished.append((int(moved.sum()), total(desk), (*chain, last)))
                    else:
                        unfinished.append((total(desk), chain))
        if finished:
            return described(desk, min(finished)[2])
        frontier = [chain for _, chain in sorted(unfinished)[:BREADTH]]
    return None


def ejections(desk: Desk, steps: Sequence[Step], hand: int) -> Iterator[Step]:
    """Every step that serves `hand` after `steps` where one other request makes way for it."""
    with desk.tentative():
        for step in steps:
            take(desk, step)
        state = desk.state
        route_of, length = state.route_of.copy(), state.length.copy()
        routes = [state.routes[duty, :n].copy() for duty, n in enumerate(length)]
    touched = {step.request for step in steps} | {hand}
    visits = 2 * len(route_of)
    for duty, nodes in enumerate(routes):
        riders = {int(node) >> 1 for node in nodes if node < visits} - touched
        for other in sorted(riders):
            if not desk.arrays.requests["fixed"][other]:
                step = Step(hand, duty, other)
                with desk.tentative():
                    done = all(take(desk, each) for each in (*steps, step))
                if done:
                    yield step


def take(desk: Desk, step: Step) -> bool:
    """Make a step as cheaply as it goes; False, with the ejected one out, where it does not."""
    arrays, state = desk.arrays, desk.state
    if step.ejected != NOBODY:
        if not pick(arrays, state, step.ejected):
            return False
        remove_picked(arrays, state)
        if state.route_of[step.ejected] >= 0:
            return False
    if not may_serve(arrays, state, step.request, step.duty):
        return False
    _, pickup, dropoff = cheapest_in_duty(arrays, state, step.request, step.duty, np.inf)
    return pickup >= 0 and bool(insert(arrays, state, step.request, step.duty, pickup, dropoff))


def cheapest(desk: Desk, request: int) -> Step | None:
    """The last step: a place for a request on whichever duty that costs least."""
    found = table(1, PLACING)
    if scan(desk.arrays, desk.state, request, found):
        return Step(request, int(found[0].duty), NOBODY)
    return None


def total(desk: Desk) -> float:
    """The cost of the state as it is."""
    return float(total_cost(desk.arrays, desk.state.route_of, desk.state.cost))


def described(desk: Desk, steps: tuple[Step, ...]) -> Chain:
    """A chain in words and figures, from the plans before and after it."""
    before, cost = desk.routes(), desk.cost()
    was = services(before)
    versions = desk.state.version.tobytes()
    with desk.tentative():
        for step in steps:
            take(desk, step)
        after, cost_after = desk.routes(), desk.cost()
    now = services(after)
    names = [desk.problem.requests[step.request].id for step in steps]
    moves = []
    for position, name in enumerate(names):
        makes_way = position > 0
        reason = f"it makes way for {names[position - 1]}" if makes_way else "it gets a place"
        moves.append(
            Move(
                request=name,
                from_duty=was[name].duty if name in was else None,
                to_duty=now[name].duty,
                pickup_s=now[name].pickup_s,
                dropoff_s=now[name].dropoff_s,
                reason=reason,
            )
        )
    moved = moved_requests(before, after)
    return Chain(
        moves=tuple(moves),
        added=cost_difference(cost_after, cost),
        moved=moved,
        moves_told=told_moves(moved, desk.told),
        steps=steps,
        versions=versions,
    )


def follow(desk: Desk, chain: Chain) -> None:
    """Make the moves of a chain.

    Raises:
        RefusedError: where any duty has changed since the chain was found.

    """
    if desk.state.version.tobytes() != chain.versions:
        raise RefusedError("the plan has changed since the chain was found")
    for step in chain.steps:
        if not take(desk, step):
            raise RuntimeError("a chain that was found cannot be followed: a defect")
    commit(desk.state)
