"""Where a search begins: committed stops, whoever is on board, and a plan to start from."""

from __future__ import annotations

from itertools import islice, permutations
from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.arrays import TOLERANCE
from atmr_engine.breaks import place_breaks
from atmr_engine.compilation import break_nodes, committed_nodes
from atmr_engine.insertion import cheapest_in_duty, may_serve
from atmr_engine.pauses import pauses_of
from atmr_engine.placement import adopt, insert
from atmr_engine.plan import StopKind
from atmr_engine.profile import loads_fit
from atmr_engine.state import State, empty_state

if TYPE_CHECKING:
    from atmr_engine.arrays import Arrays
    from atmr_engine.plan import Plan, PlannedStop, Route
    from atmr_engine.problem import Break, Problem

MOST_ORDERS = 720
"""Orders in which those on board are tried to be let off (all of them for six passengers)."""


class CommitmentError(ValueError):
    """A duty's committed beginning breaks a rule that no waiver covers; `duty` names it."""

    def __init__(self, duty: str) -> None:
        super().__init__(
            f"duty {duty!r}: no timetable keeps its committed beginning, those on board, its "
            "breaks and its shift within the rules; grant a waiver for what is late, or release "
            "the commitment"
        )
        self.duty = duty


def begin(problem: Problem, arrays: Arrays) -> State:
    """A state in which each duty drives its committed stops and brings home who is on board.

    Raises:
        CommitmentError: where no timetable can keep a commitment.

    """
    order = [index for index, duty in enumerate(problem.duties) if duty.committed]
    while True:
        state = empty_state(arrays)
        refused = first_refused(problem, arrays, state, order)
        if refused is None:
            return state
        if order[0] == refused:
            raise CommitmentError(problem.duties[refused].id)
        order.remove(refused)  # its legs may have to be placed before those linked to them
        order.insert(0, refused)


def first_refused(problem: Problem, arrays: Arrays, state: State, order: list[int]) -> int | None:
    """Commit duties one after the other; the first one that has no timetable."""
    for duty in order:
        if not commit_duty(problem, arrays, state, duty):
            return duty
    return None


def commit_duty(problem: Problem, arrays: Arrays, state: State, duty: int) -> bool:
    """Find an order of drop-offs, and places for the breaks, behind the committed stops."""
    prefix = committed_nodes(problem, duty)
    visits = {node for node in prefix if node < 2 * len(problem.requests)}
    aboard = [node + 1 for node in prefix if node in visits and not node & 1]
    aboard = [node for node in aboard if node not in visits]
    aboard.sort(key=lambda node: (float(arrays.nodes[node]["close_s"]), node))
    orders = islice(permutations(aboard), MOST_ORDERS)
    return any(adopt_nodes(arrays, state, [*prefix, *order], duty) for order in orders)


def adopt_nodes(arrays: Arrays, state: State, nodes: list[int], duty: int) -> bool:
    """Make the nodes, and the duty's breaks that they lack, its route if that keeps all rules."""
    state.sequence[: len(nodes)] = nodes
    count = int(place_breaks(arrays, state, len(nodes), duty))
    if count < 0 or not loads_fit(arrays, state, state.sequence, count, duty):
        return False
    return bool(adopt(arrays, state, state.sequence, count, duty))


def resume(problem: Problem, arrays: Arrays, state: State, plan: Plan) -> None:
    """Take over as much of a plan as still holds; what does not stays in the bank.

    All planned times stand before the first route is adopted, so that linked legs find each other
    where the plan has them, whichever route comes first.
    """
    routes = known_routes(problem, plan)
    waiting = announce(problem, state, routes)
    refused = [r for r in routes if not take_over(problem, arrays, state, r, waiting)]
    for request in waiting:
        state.route_of[request] = -1
    refused = [r for r in refused if not take_over(problem, arrays, state, r, set())]
    for route in refused:
        salvage(problem, arrays, state, route)


def announce(problem: Problem, state: State, routes: list[Route]) -> set[int]:
    """Note duty and times of every request that the routes serve; the requests, not adopted yet."""
    waiting: set[int] = set()
    for route in routes:
        duty = problem.duty_index[route.duty]
        for stop in route.stops:
            request = problem.request_index.get(stop.request or "", -1)
            if request < 0 or (state.route_of[request] >= 0 and request not in waiting):
                continue
            if request in waiting and state.route_of[request] != duty:
                continue
            waiting.add(request)
            state.route_of[request] = duty
            state.begin_s[2 * request + (stop.kind is StopKind.DROPOFF)] = stop.begin_s
    return waiting


def known_routes(problem: Problem, plan: Plan) -> list[Route]:
    return [route for route in plan.routes if route.duty in problem.duty_index]


def take_over(
    problem: Problem, arrays: Arrays, state: State, route: Route, waiting: set[int]
) -> bool:
    """Adopt a route as it stands, less the requests that are unknown or served elsewhere."""
    duty = problem.duty_index[route.duty]
    nodes = route_nodes(problem, arrays, state, route, duty)
    prefix = committed_nodes(problem, duty)
    if nodes[: len(prefix)] != prefix:
        return False
    requests = {node >> 1 for node in nodes if node < 2 * len(problem.requests)}
    if not requests:
        return True
    new = [request for request in requests if state.route_of[request] < 0 or request in waiting]
    if not all(may_serve(arrays, state, request, duty) for request in new):
        return False
    if not adopt_nodes(arrays, state, nodes, duty):
        return False
    waiting -= requests
    return True


def route_nodes(
    problem: Problem, arrays: Arrays, state: State, route: Route, duty: int
) -> list[int]:
    """A route's stops as nodes, without its start and end and without strangers."""
    first_break = break_nodes(problem)[duty]
    rest, untaken = problem.duties[duty].driving_break, untaken_pauses(problem, duty)
    late_s = max((float(arrays.nodes["excess_s"][first_break + k]) for k, _ in untaken), default=0)
    nodes = []
    for stop in route.stops:
        if stop.kind is StopKind.BREAK:
            fitting = (b for b in untaken if is_taken(b[1], stop, late_s))
            taken = next(fitting, untaken[0] if untaken and rest is None else None)
            if taken is None:
                continue
            untaken.remove(taken)
            nodes.append(first_break + taken[0])
        elif stop.request in problem.request_index:
            request = problem.request_index[stop.request]
            if state.route_of[request] in (-1, duty):
                nodes.append(2 * request + (stop.kind is StopKind.DROPOFF))
    return nodes


def untaken_pauses(problem: Problem, duty: int) -> list[tuple[int, Break]]:
    """The pauses that stand in the duty's route, by number."""
    return list(enumerate(pauses_of(problem.duties[duty])))


def is_taken(pause: Break, stop: PlannedStop, late_s: float = 0.0) -> bool:
    """Whether a break stop, which does not say so itself, is this break, `late_s` late at most."""
    lasts = stop.end_s - stop.begin_s
    opens, closes = pause.window.open_s - TOLERANCE, pause.window.close_s + late_s + TOLERANCE
    return opens <= stop.begin_s <= closes and abs(lasts - pause.duration_s) <= TOLERANCE


def salvage(problem: Problem, arrays: Arrays, state: State, route: Route) -> None:
    """Insert a refused route's requests one by one into the duty that they were on."""
    duty = problem.duty_index[route.duty]
    for name in route.requests:
        request = problem.request_index.get(name, -1)
        if request < 0 or state.route_of[request] >= 0:
            continue
        if may_serve(arrays, state, request, duty):
            added, pickup, dropoff = cheapest_in_duty(arrays, state, request, duty, np.inf)
            if added < np.inf:
                insert(arrays, state, request, duty, pickup, dropoff)
