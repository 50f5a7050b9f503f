"""Whether a bare sequence of stops has any timetable, by Bellman-Ford over its constraints.

Earliest times are longest paths; a cycle that gains time proves that there is no timetable. With
time slices they are a least fixed point, as who leaves later arrives no earlier.
Source: Cormen, Leiserson, Rivest and Stein, Introduction to Algorithms, 24.4.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from atmr_engine.checker.case import visit_of, waived_seconds
from atmr_engine.plan import PlannedStop, Route, StopKind
from atmr_engine.rules import Rule
from atmr_engine.travel import latest_departure, travel_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from atmr_engine.problem import Duty, Problem, Request, TimeWindow, Travel
    from atmr_engine.rules import Waiver

GAIN_S = 1e-6
"""Seconds by which a path must gain to count, far above the rounding of sums of float64."""

_NO_WAY = (None, None)


class _Constraint(NamedTuple):
    """Event `later` happens at least `gap_s` after event `earlier`, and the way after that.

    `way` are the places that it leads between, for who leaves `gap_s` after `earlier`.
    """

    earlier: int
    later: int
    gap_s: float
    way: tuple[int | None, int | None] = _NO_WAY


class _Event(NamedTuple):
    """What happens at a position of the route, where, within which window, for how long."""

    kind: StopKind
    request: Request | None
    place: int | None
    window: tuple[float, float]
    spent_s: float


def feasible_times(
    problem: Problem,
    duty: Duty,
    sequence: Sequence[tuple[StopKind, str | None]],
    waivers: Iterable[Waiver] | None = None,
) -> Route | None:
    """A timetable of `sequence` on `duty` that keeps every rule of time, or None: there is none.

    `sequence` has pickups and drop-offs with their request, and breaks with None (the k-th is the
    duty's k-th break), without start and end. Service begins as early as possible, departure is as
    late as that allows. Kept are travel, windows, ride times, hard promises, shift, duration, break
    windows, times of the committed beginning and links within the route, each as far as `waivers`
    (None: those of the problem) relax it; all other rules are `check`'s (driving and times out of
    service among them).

    Raises:
        KeyError: for a request that the problem does not know.
        IndexError: for more breaks than the duty has.

    """
    leave = waived_seconds(problem.waivers if waivers is None else waivers)
    events = _events(problem, duty, sequence, leave)
    constraints = [
        *_windows(events),
        *_ways(problem.travel, events),
        *_rides(events, leave),
        *_duration(duty, len(events), leave),
    ]
    times = _earliest(problem.travel, len(events) + 1, constraints)
    return None if times is None else _route(problem, duty, events, times)


def _events(
    problem: Problem,
    duty: Duty,
    sequence: Sequence[tuple[StopKind, str | None]],
    leave: Mapping[tuple[Rule, str], float],
) -> list[_Event]:
    """Start, stops and end. Event k of the list is number k + 1; number 0 is time 0."""
    shift_excess = leave.get((Rule.SHIFT, duty.id), 0.0)
    shift = (duty.shift.open_s - shift_excess, duty.shift.close_s + shift_excess)
    events = [_Event(StopKind.START, None, duty.start_place, shift, 0.0)]
    pauses = iter(range(len(sequence)))
    for kind, identifier in sequence:
        if kind is StopKind.BREAK:
            pause = duty.breaks[next(pauses)]
            excess = leave.get((Rule.BREAK, duty.id), 0.0)
            window = _relaxed(pause.window, excess)
            events.append(_Event(kind, None, events[-1].place, window, pause.duration_s))
        else:
            request = problem.requests[problem.request_index[identifier or ""]]
            events.append(_visit(request, kind, leave))
    events = [_fixed(duty, position, event) for position, event in enumerate(events)]
    return [*events, _Event(StopKind.END, None, duty.end_place, shift, 0.0)]


def _relaxed(window: TimeWindow, excess_s: float) -> tuple[float, float]:
    return window.open_s, window.close_s + excess_s


def _visit(request: Request, kind: StopKind, leave: Mapping[tuple[Rule, str], float]) -> _Event:
    visit = visit_of(request, kind)
    cleaning_s = request.cleaning_s if kind is StopKind.DROPOFF else 0.0
    window = _relaxed(visit.window, leave.get((Rule.WINDOW, request.id), 0.0))
    if kind is StopKind.PICKUP and request.promise is not None and request.promise.hard:
        promise = request.promise
        slack_s = promise.slack_s + leave.get((Rule.PROMISE, request.id), 0.0)
        opens, closes = promise.begin_s - slack_s, promise.begin_s + slack_s
        window = (max(window[0], opens), min(window[1], closes))
    return _Event(kind, request, visit.place, window, visit.service_s + cleaning_s)


def _fixed(duty: Duty, position: int, event: _Event) -> _Event:
    """Narrow an event of the committed beginning to the time that is fixed for it."""
    if not 1 <= position <= len(duty.committed):
        return event
    begin_s = duty.committed[position - 1].begin_s
    if begin_s is None:
        return event
    window = (max(begin_s, event.window[0]), min(begin_s, event.window[1]))
    return event._replace(window=window)


def _windows(events: Sequence[_Event]) -> Iterator[_Constraint]:
    for number, event in enumerate(events, start=1):
        opens, closes = event.window
        yield _Constraint(0, number, opens)
        if closes < math.inf:
            yield _Constraint(number, 0, -closes)


def _ways(travel: Travel, events: Sequence[_Event]) -> Iterator[_Constraint]:
    for number in range(1, len(events)):
        before, event = events[number - 1], events[number]
        if travel.knots_s is None:
            way_s = travel_time(travel, before.place, event.place, 0.0)
            yield _Constraint(number, number + 1, before.spent_s + way_s)
        else:
            way = (before.place, event.place)
            yield _Constraint(number, number + 1, before.spent_s, way)


def _rides(
    events: Sequence[_Event], leave: Mapping[tuple[Rule, str], float]
) -> Iterator[_Constraint]:
    """A drop-off at most the ride time after its pickup, a linked pickup after its drop-off."""
    pickups = _numbers(events, StopKind.PICKUP)
    dropoffs = _numbers(events, StopKind.DROPOFF)
    for identifier, pickup in pickups.items():
        request = events[pickup - 1].request
        if request is None:
            continue
        limit_s = request.max_ride_s + leave.get((Rule.RIDE_TIME, identifier), 0.0)
        if identifier in dropoffs and limit_s < math.inf:
            longest = request.pickup.service_s + limit_s
            yield _Constraint(dropoffs[identifier], pickup, -longest)
        if request.link is not None and request.link.after in dropoffs:
            dropoff = dropoffs[request.link.after]
            before = events[dropoff - 1].request
            service_s = before.dropoff.service_s if before is not None else 0.0
            yield _Constraint(dropoff, pickup, service_s + request.link.stay_s)


def _numbers(events: Sequence[_Event], kind: StopKind) -> dict[str, int]:
    return {
        event.request.id: number
        for number, event in enumerate(events, start=1)
        if event.kind is kind and event.request is not None
    }


def _duration(
    duty: Duty, end: int, leave: Mapping[tuple[Rule, str], float]
) -> Iterator[_Constraint]:
    limit_s = duty.max_duration_s + leave.get((Rule.DURATION, duty.id), 0.0)
    if limit_s < math.inf:
        yield _Constraint(end, 1, -limit_s)


def _earliest(travel: Travel, count: int, constraints: Sequence[_Constraint]) -> list[float] | None:
    """Longest paths from event 0, or None where a cycle gains time.

    A path has fewer than `count` constraints, so a gain in the `count`-th round is one of a cycle.
    While ways are left before the last knot they may still change, and the rounds count from there.
    """
    times = [0.0] + [-math.inf] * (count - 1)
    rounds = 0
    while rounds < count:
        changed, rounds = False, rounds + 1
        for constraint in constraints:
            departure_s = times[constraint.earlier] + constraint.gap_s
            at_least = departure_s + _way_s(travel, constraint, departure_s)
            if at_least > times[constraint.later] + GAIN_S:
                times[constraint.later] = at_least
                changed = True
                rounds = 0 if _may_change(travel, constraint, departure_s) else rounds
        if times[0] > 0.0 or math.inf in times:
            return None
        if not changed:
            return times
    return None


def _way_s(travel: Travel, constraint: _Constraint, departure_s: float) -> float:
    if constraint.way == _NO_WAY or departure_s == -math.inf:
        return 0.0
    return travel_time(travel, *constraint.way, departure_s)


def _may_change(travel: Travel, constraint: _Constraint, departure_s: float) -> bool:
    if constraint.way == _NO_WAY or travel.knots_s is None:
        return False
    return departure_s < float(travel.knots_s[-1])


def _route(problem: Problem, duty: Duty, events: Sequence[_Event], times: Sequence[float]) -> Route:
    """The stops at their times; the departure as late as the first stop allows."""
    travel = problem.travel
    latest_s = latest_departure(travel, events[0].place, events[1].place, times[2])
    free_s = min(max(times[1], latest_s), events[0].window[1])
    stops = [_stop(events[0], free_s, free_s)]
    for before, event, begin_s in zip(events, events[1:], times[2:], strict=False):
        free_s = stops[-1].end_s
        arrival_s = free_s + travel_time(travel, before.place, event.place, free_s)
        stops.append(_stop(event, min(arrival_s, begin_s), begin_s))
    return Route(duty=duty.id, stops=tuple(stops))


def _stop(event: _Event, arrival_s: float, begin_s: float) -> PlannedStop:
    return PlannedStop(
        kind=event.kind,
        place=event.place,
        arrival_s=arrival_s,
        begin_s=begin_s,
        end_s=begin_s + event.spent_s,
        request=None if event.request is None else event.request.id,
    )
