"""The terms of the objective that belong to one route, unweighted: seconds, km and counts."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from atmr_engine.break_pairing import break_lateness_s
from atmr_engine.plan import StopKind
from atmr_engine.travel import travel_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atmr_engine.plan import PlannedStop, Route
    from atmr_engine.problem import Duty, Problem, Request

SERVICE = frozenset({StopKind.PICKUP, StopKind.DROPOFF})


def served(problem: Problem, route: Route) -> Iterator[tuple[PlannedStop, Request]]:
    """Pickups and drop-offs with their requests, in order; KeyError for an unknown request."""
    for stop in route.stops:
        if stop.kind in SERVICE and stop.request is not None:
            yield stop, problem.requests[problem.request_index[stop.request]]


def lateness_s(problem: Problem, duty: Duty, route: Route) -> float:
    """After the windows of pickups, drop-offs and breaks closed."""
    late = break_lateness_s(duty, route)
    for stop, request in served(problem, route):
        visit = request.pickup if stop.kind is StopKind.PICKUP else request.dropoff
        late += max(0.0, stop.begin_s - visit.window.close_s)
    return late


def overtime_s(duty: Duty, route: Route) -> float:
    """After the shift's end."""
    return max(0.0, route.stops[-1].end_s - duty.shift.close_s) if route.stops else 0.0


def detour_s(problem: Problem, route: Route) -> float:
    """Ride time (end of pickup service to begin of drop-off service) beyond the direct way.

    The direct way leaves when the pickup's service is done.
    """
    boarded: dict[str, float] = {}
    beyond = 0.0
    for stop, request in served(problem, route):
        if stop.kind is StopKind.PICKUP:
            boarded[request.id] = stop.begin_s + request.pickup.service_s
        elif request.id in boarded:
            leaves = boarded[request.id]
            a, b = request.pickup.place, request.dropoff.place
            beyond += max(0.0, stop.begin_s - leaves - travel_time(problem.travel, a, b, leaves))
    return beyond


def distance_km(problem: Problem, route: Route) -> float:
    """Between the places of the stops, in order; a stop nowhere is passed over."""
    places = [stop.place for stop in route.stops if stop.place is not None]
    distance = problem.travel.distance_km
    return float(sum(distance[a, b] for a, b in pairwise(places)))


def waiting_s(route: Route) -> float:
    """Between arrivals and what begins after them."""
    return sum(max(0.0, stop.begin_s - stop.arrival_s) for stop in route.stops)


def working_s(route: Route) -> float:
    """From departure to return."""
    return route.stops[-1].end_s - route.stops[0].end_s if route.stops else 0.0


def promise_s(problem: Problem, route: Route) -> float:
    """By which pickups miss the times that were told by more than their slack, either way."""
    beyond = 0.0
    for stop, request in served(problem, route):
        promise = request.promise
        if promise is not None and stop.kind is StopKind.PICKUP:
            beyond += max(0.0, abs(stop.begin_s - promise.begin_s) - promise.slack_s)
    return beyond


def tightness_s(problem: Problem, route: Route) -> float:
    """How much of the buffer before their windows' ends pickups and drop-offs use up.

    At most the buffer each: what is later than the window is lateness. A window without an end is
    never tight.
    """
    if not problem.buffer_s:
        return 0.0
    tight = 0.0
    for stop, request in served(problem, route):
        visit = request.pickup if stop.kind is StopKind.PICKUP else request.dropoff
        if visit.window.close_s < math.inf:
            left = max(0.0, visit.window.close_s - stop.begin_s)
            tight += max(0.0, problem.buffer_s - left)
    return tight


def reassigned(problem: Problem, duty: Duty, route: Route) -> int:
    """Requests served here that the published plan had on another duty."""
    return sum(
        stop.kind is StopKind.DROPOFF and request.published_duty not in {None, duty.id}
        for stop, request in served(problem, route)
    )


def unfamiliar(problem: Problem, duty: Duty, route: Route) -> int:
    """Requests served here whose familiar drivers do not drive this duty."""
    return sum(
        stop.kind is StopKind.DROPOFF
        and bool(request.familiar)
        and duty.driver not in request.familiar
        for stop, request in served(problem, route)
    )
