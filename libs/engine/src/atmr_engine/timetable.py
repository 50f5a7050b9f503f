"""From the routes of a search to a plan for people: where each duty is, and when."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from atmr_engine.arrays import RESERVED
from atmr_engine.duty_ways import Ways
from atmr_engine.node_table import break_nodes
from atmr_engine.pauses import pauses_of
from atmr_engine.plan import PlannedStop, Route, StopKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atmr_engine.arrays import Arrays
    from atmr_engine.problem import Duty, Problem
    from atmr_engine.state import State


STANDING = frozenset({StopKind.BREAK, StopKind.RESERVE})
"""At these the vehicle stands where it is."""


def routes_of(problem: Problem, arrays: Arrays, state: State) -> tuple[Route, ...]:
    """The routes of all duties that drive anything, in the order of `problem.duties`."""
    visits = 2 * len(problem.requests)
    routes = []
    for index, duty in enumerate(problem.duties):
        nodes = [int(node) for node in state.routes[index, : state.length[index]]]
        kept = any(arrays.nodes["kind"][node] == RESERVED for node in nodes)
        if duty.committed or kept or any(node < visits for node in nodes):
            stops = tuple(timetable(problem, arrays, state, index, nodes))
            routes.append(marked(problem, Route(duty=duty.id, stops=stops)))
    return tuple(routes)


def timetable(
    problem: Problem, arrays: Arrays, state: State, index: int, nodes: list[int]
) -> Iterator[PlannedStop]:
    """START, the stops with their arrivals, END; departure is as late as the first stop allows."""
    duty, ways = problem.duties[index], Ways(arrays, index)
    first_break = break_nodes(problem)[index]
    rests = state.begin_s[len(arrays.nodes) :]
    first_reserve = break_nodes(problem)[-1]
    stops = [stop_at(problem, duty, node, first_break, first_reserve) for node in nodes]
    first = duty.start_place if stops[0][0] in STANDING else stops[0][1]
    departure = ways.departure(duty.start_place, first, float(state.begin_s[nodes[0]]))
    yield PlannedStop(
        kind=StopKind.START,
        place=duty.start_place,
        arrival_s=departure,
        begin_s=departure,
        end_s=departure,
    )
    here, free = duty.start_place, departure
    for (kind, place, spent, request), node in zip(stops, nodes, strict=True):
        there = here if kind in STANDING else place
        begin = float(state.begin_s[node])
        yield PlannedStop(
            kind=kind,
            place=there,
            arrival_s=ways.arrival(here, there, free),
            begin_s=begin,
            end_s=begin + spent,
            request=None if kind is StopKind.RESERVE else request,
            reserve=request if kind is StopKind.RESERVE else None,
        )
        here, free = there, begin + spent
        if rests[node] > 0.0:
            yield rest_at(here, free, float(rests[node]))
            free += float(rests[node])
    back = ways.arrival(here, duty.end_place, free)
    yield PlannedStop(
        kind=StopKind.END, place=duty.end_place, arrival_s=back, begin_s=back, end_s=back
    )


def rest_at(place: int | None, begin_s: float, duration_s: float) -> PlannedStop:
    """The break that driving asks for, where the vehicle stands."""
    return PlannedStop(
        kind=StopKind.BREAK,
        place=place,
        arrival_s=begin_s,
        begin_s=begin_s,
        end_s=begin_s + duration_s,
    )


def stop_at(
    problem: Problem, duty: Duty, node: int, first_break: int, first_reserve: int
) -> tuple[StopKind, int | None, float, str | None]:
    """A node's kind, place (None where the vehicle stands), time spent, and request or reserve."""
    if node >= first_reserve:
        reserve = problem.reserves[node - first_reserve]
        return StopKind.RESERVE, None, reserve.duration_s, reserve.id
    if node >= 2 * len(problem.requests):
        return StopKind.BREAK, None, pauses_of(duty)[node - first_break].duration_s, None
    request = problem.requests[node >> 1]
    if node & 1:
        spent = request.dropoff.service_s + request.cleaning_s
        return StopKind.DROPOFF, request.dropoff.place, spent, request.id
    return StopKind.PICKUP, request.pickup.place, request.pickup.service_s, request.id


def marked(problem: Problem, route: Route) -> Route:
    """The route with those stops provisional whose requests wait for a call today, and no others.

    A plan to start from may be older than the call.
    """
    waiting = {request.id for request in problem.requests if request.will_call}
    stops = (replace(stop, provisional=stop.request in waiting) for stop in route.stops)
    return replace(route, stops=tuple(stops))
