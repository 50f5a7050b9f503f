"""From the routes of a search to a plan for people: where each duty is, and when."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from atmr_engine.compilation import break_nodes
from atmr_engine.plan import PlannedStop, Route, StopKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atmr_engine.problem import Duty, Problem
    from atmr_engine.state import State


def routes_of(problem: Problem, state: State) -> tuple[Route, ...]:
    """The routes of all duties that drive anything, in the order of `problem.duties`."""
    visits = 2 * len(problem.requests)
    routes = []
    for index, duty in enumerate(problem.duties):
        nodes = [int(node) for node in state.routes[index, : state.length[index]]]
        if duty.committed or any(node < visits for node in nodes):
            stops = tuple(timetable(problem, state, duty, index, nodes))
            routes.append(marked(problem, Route(duty=duty.id, stops=stops)))
    return tuple(routes)


def timetable(
    problem: Problem, state: State, duty: Duty, index: int, nodes: list[int]
) -> Iterator[PlannedStop]:
    """START, the stops with their arrivals, END; departure is as late as the first stop allows."""
    first_break = break_nodes(problem)[index]
    stops = [stop_at(problem, duty, node, first_break) for node in nodes]
    first = duty.start_place if stops[0][0] is StopKind.BREAK else stops[0][1]
    departure = float(state.begin_s[nodes[0]]) - way(problem, duty.start_place, first)
    yield PlannedStop(
        kind=StopKind.START,
        place=duty.start_place,
        arrival_s=departure,
        begin_s=departure,
        end_s=departure,
    )
    here, free = duty.start_place, departure
    for (kind, place, spent, request), node in zip(stops, nodes, strict=True):
        there = here if kind is StopKind.BREAK else place
        begin = float(state.begin_s[node])
        yield PlannedStop(
            kind=kind,
            place=there,
            arrival_s=free + way(problem, here, there),
            begin_s=begin,
            end_s=begin + spent,
            request=request,
        )
        here, free = there, begin + spent
    back = free + way(problem, here, duty.end_place)
    yield PlannedStop(
        kind=StopKind.END, place=duty.end_place, arrival_s=back, begin_s=back, end_s=back
    )


def stop_at(
    problem: Problem, duty: Duty, node: int, first_break: int
) -> tuple[StopKind, int | None, float, str | None]:
    """A node's kind, place (None for a break), time spent, and request."""
    if node >= 2 * len(problem.requests):
        return StopKind.BREAK, None, duty.breaks[node - first_break].duration_s, None
    request = problem.requests[node >> 1]
    if node & 1:
        spent = request.dropoff.service_s + request.cleaning_s
        return StopKind.DROPOFF, request.dropoff.place, spent, request.id
    return StopKind.PICKUP, request.pickup.place, request.pickup.service_s, request.id


def way(problem: Problem, here: int | None, there: int | None) -> float:
    """Seconds between two places; none to or from nowhere."""
    nowhere = here is None or there is None
    return 0.0 if nowhere else float(problem.travel.time_s[here, there])


def marked(problem: Problem, route: Route) -> Route:
    """The route with those stops provisional whose requests wait for a call today, and no others.

    A plan to start from may be older than the call.
    """
    waiting = {request.id for request in problem.requests if request.will_call}
    stops = (replace(stop, provisional=stop.request in waiting) for stop in route.stops)
    return replace(route, stops=tuple(stops))
