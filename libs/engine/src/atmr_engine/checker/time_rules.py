"""The rules of one route's clock, judged on the timetable that the plan itself states."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from atmr_engine.checker.case import YES_OR_NO, Case, visit_of
from atmr_engine.checker.legs import legs
from atmr_engine.plan import StopKind
from atmr_engine.rules import Rule, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atmr_engine.plan import PlannedStop
    from atmr_engine.problem import Request


def untimed(case: Case) -> Iterator[Violation]:
    """Stops whose times are no numbers; nothing else about their route's clock can be said."""
    for position, stop in enumerate(case.route.stops):
        if not all(map(math.isfinite, (stop.arrival_s, stop.begin_s, stop.end_s))):
            message = f"stop {position} ({stop.kind}) has a time that is not finite"
            yield case.breach(Rule.TRAVEL, stop.request or case.duty.id, YES_OR_NO, message)


def time_rules(case: Case) -> Iterator[Violation]:
    """Breaches of TRAVEL, WINDOW, PROMISE, RIDE_TIME, SHIFT and DURATION."""
    yield from _travel(case)
    for stop, request in case.visits():
        yield from _service(case, stop, request)
        yield from _window(case, stop, request)
        yield from _promise(case, stop, request)
    yield from _ride_times(case)
    yield from _shift(case)


def _travel(case: Case) -> Iterator[Violation]:
    """No stop is reached sooner than the matrices allow, nor begins before it is reached."""
    for leg in legs(case):
        stop, earliest = leg.stop, leg.before.end_s + leg.way_s
        if earliest - stop.arrival_s > case.tolerance_s:
            subject = stop.request or case.duty.id
            message = f"{stop.kind} reached at {stop.arrival_s:.1f} s, {earliest:.1f} s is possible"
            yield case.breach(Rule.TRAVEL, subject, earliest - stop.arrival_s, message)
    for stop in case.route.stops:
        yield from _in_time_order(case, stop)


def _in_time_order(case: Case, stop: PlannedStop) -> Iterator[Violation]:
    early, short = stop.arrival_s - stop.begin_s, stop.begin_s - stop.end_s
    subject = stop.request or case.duty.id
    if early > case.tolerance_s:
        message = f"{stop.kind} begins {early:.1f} s before the vehicle is there"
        yield case.breach(Rule.TRAVEL, subject, early, message)
    if short > case.tolerance_s:
        message = f"{stop.kind} ends {short:.1f} s before it begins"
        yield case.breach(Rule.TRAVEL, subject, short, message)


def _service(case: Case, stop: PlannedStop, request: Request) -> Iterator[Violation]:
    """The vehicle stays for the service, and for the cleaning after a drop-off."""
    needed = visit_of(request, stop.kind).service_s
    if stop.kind is StopKind.DROPOFF:
        needed += request.cleaning_s
    short = needed - (stop.end_s - stop.begin_s)
    if short > case.tolerance_s:
        message = f"{stop.kind} ends {short:.1f} s before service and cleaning are done"
        yield case.breach(Rule.TRAVEL, request.id, short, message)


def _window(case: Case, stop: PlannedStop, request: Request) -> Iterator[Violation]:
    window = visit_of(request, stop.kind).window
    early = window.open_s - stop.begin_s
    if early > case.tolerance_s:
        message = f"{stop.kind} begins {early:.1f} s before its window opens"
        yield case.breach(Rule.WINDOW, request.id, early, message)
    yield from case.too_long(
        Rule.WINDOW, request.id, stop.begin_s, window.close_s, f"{stop.kind} begins too late"
    )


def _promise(case: Case, stop: PlannedStop, request: Request) -> Iterator[Violation]:
    """A pickup that was firmly promised begins within the slack, neither later nor earlier."""
    promise = request.promise
    if promise is not None and promise.hard and stop.kind is StopKind.PICKUP:
        off_s = abs(stop.begin_s - promise.begin_s)
        what = f"the pickup promised at {promise.begin_s:.1f} s begins at {stop.begin_s:.1f} s, off"
        yield from case.too_long(Rule.PROMISE, request.id, off_s, promise.slack_s, what)


def _ride_times(case: Case) -> Iterator[Violation]:
    """From the end of service at the pickup to the begin of service at the drop-off."""
    boarded: dict[str, float] = {}
    for stop, request in case.visits():
        if stop.kind is StopKind.PICKUP:
            boarded[request.id] = stop.begin_s + request.pickup.service_s
        elif request.id in boarded:
            ride_s = stop.begin_s - boarded.pop(request.id)
            yield from case.too_long(
                Rule.RIDE_TIME, request.id, ride_s, request.max_ride_s, "rides too long"
            )


def _shift(case: Case) -> Iterator[Violation]:
    if not case.route.stops:
        return
    duty, departure_s, return_s = case.duty, case.route.stops[0].end_s, case.route.stops[-1].end_s
    early = duty.shift.open_s - departure_s
    yield from case.too_long(Rule.SHIFT, duty.id, early, 0.0, "departs before the shift")
    yield from case.too_long(
        Rule.SHIFT, duty.id, return_s, duty.shift.close_s, "returns after the shift"
    )
    yield from case.too_long(
        Rule.DURATION,
        duty.id,
        return_s - departure_s,
        duty.max_duration_s,
        "is out too long",
    )
