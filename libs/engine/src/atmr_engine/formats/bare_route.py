"""Routes from what a benchmark's file states: a sequence of visits, with or without times."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from atmr_engine.checker import feasible_times
from atmr_engine.plan import PlannedStop, Route, StopKind
from atmr_engine.travel import latest_departure, travel_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from atmr_engine.problem import Duty, Problem

VisitSequence: TypeAlias = "list[tuple[StopKind, str]]"
"""Pickups and drop-offs with their requests, in order."""


def nth_route(
    problem: Problem, number: int, sequence: VisitSequence, begins_s: Iterable[float] | None = None
) -> Route:
    """The route of the duty of that number (from 0), or of one that does not exist.

    Without `begins_s` it gets a feasible timetable, or the earliest one where none is feasible.
    """
    duties = problem.duties
    duty = duties[number] if number < len(duties) else duties[0]
    name = duty.id if number < len(duties) else f"vehicle {number + 1}"
    if begins_s is not None:
        route = timed_route(problem, duty, sequence, begins_s)
    else:
        route = feasible_times(problem, duty, sequence) or earliest_route(problem, duty, sequence)
    return Route(duty=name, stops=route.stops)


def timed_route(
    problem: Problem, duty: Duty, sequence: VisitSequence, begins_s: Iterable[float]
) -> Route:
    """The route with service beginning at the times given, however impossible they are.

    Departure is as late as the first time allows and not before the shift; the vehicle leaves each
    stop when service is done, and returns at once.
    """
    stops = [_end(StopKind.START, duty.start_place, duty.shift.open_s)]
    for visit, begin_s in zip(sequence, begins_s, strict=True):
        stops.append(_stop(problem, stops[-1], visit, begin_s))
    if len(stops) > 1:
        latest_s = latest_departure(
            problem.travel, duty.start_place, stops[1].place, stops[1].begin_s
        )
        departure_s = max(duty.shift.open_s, latest_s)
        stops[0] = _end(StopKind.START, duty.start_place, departure_s)
        stops[1] = _stop(problem, stops[0], sequence[0], stops[1].begin_s)
    free_s = stops[-1].end_s
    return_s = free_s + travel_time(problem.travel, stops[-1].place, duty.end_place, free_s)
    stops.append(_end(StopKind.END, duty.end_place, return_s))
    return Route(duty=duty.id, stops=tuple(stops))


def earliest_route(problem: Problem, duty: Duty, sequence: VisitSequence) -> Route:
    """The route with everything as early as ways and opening windows allow, the rest ignored."""
    time_s, place = duty.shift.open_s, duty.start_place
    begins_s = []
    for visit in sequence:
        before = _end(StopKind.START, place, time_s)
        stop = _stop(problem, before, visit, None)
        begins_s.append(stop.begin_s)
        time_s, place = stop.end_s, stop.place
    return timed_route(problem, duty, sequence, begins_s)


def _stop(
    problem: Problem, before: PlannedStop, visit: tuple[StopKind, str], begin_s: float | None
) -> PlannedStop:
    kind, identifier = visit
    request = problem.requests[problem.request_index[identifier]]
    there = request.pickup if kind is StopKind.PICKUP else request.dropoff
    way_s = travel_time(problem.travel, before.place, there.place, before.end_s)
    arrival_s = before.end_s + way_s
    begins_s = max(arrival_s, there.window.open_s) if begin_s is None else begin_s
    return PlannedStop(
        kind=kind,
        place=there.place,
        arrival_s=arrival_s,
        begin_s=begins_s,
        end_s=begins_s + there.service_s,
        request=identifier,
    )


def _end(kind: StopKind, place: int | None, time_s: float) -> PlannedStop:
    return PlannedStop(kind=kind, place=place, arrival_s=time_s, begin_s=time_s, end_s=time_s)
