"""The rules of one route that no clock decides: order, committed beginning, fitness, loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.checker.case import YES_OR_NO, Case, visit_of
from atmr_engine.plan import StopKind
from atmr_engine.rules import Rule, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from atmr_engine.plan import PlannedStop
    from atmr_engine.problem import Capacity, Committed, Request, Reserve


def route_rules(case: Case) -> Iterator[Violation]:
    """Breaches of ORDER, TRAVEL (places), LOCK, SKILLS, EQUIPMENT, CREW, CAPACITY and SHARING."""
    yield from _ends(case)
    yield from _order(case)
    yield from _places(case)
    yield from _committed(case)
    for stop, request in case.visits():
        if stop.kind is StopKind.PICKUP:
            yield from fitness(case, request)
            yield from _pin(case, request)
    for stop, riders in case.riders():
        if stop.kind is StopKind.PICKUP:
            yield from _capacity(case, stop, riders)
            yield from _sharing(case, stop, riders)


def _ends(case: Case) -> Iterator[Violation]:
    kinds = [stop.kind for stop in case.route.stops]
    inner = set(kinds[1:-1])
    if (
        kinds[:1] != [StopKind.START]
        or kinds[-1:] != [StopKind.END]
        or inner & {StopKind.START, StopKind.END}
    ):
        message = "a route goes from its start to its end, with neither in between"
        yield case.breach(Rule.ORDER, case.duty.id, YES_OR_NO, message)
    for position, stop in enumerate(case.route.stops):
        if stop.request is None and stop.kind in {StopKind.PICKUP, StopKind.DROPOFF}:
            message = f"stop {position} serves nobody"
            yield case.breach(Rule.ORDER, case.duty.id, YES_OR_NO, message)


def _order(case: Case) -> Iterator[Violation]:
    on_board: set[str] = set()
    for stop, request in case.visits():
        if stop.kind is StopKind.PICKUP:
            on_board.add(request.id)
        elif request.id in on_board:
            on_board.remove(request.id)
        else:
            message = "dropped off without being picked up before on this route"
            yield case.breach(Rule.ORDER, request.id, YES_OR_NO, message)


def _places(case: Case) -> Iterator[Violation]:
    """Each stop is where its duty or request says; a break or a reserve where it stands."""
    standing = case.duty.start_place
    requests = dict(case.visits())
    for position, stop in enumerate(case.route.stops):
        right = standing
        if stop in requests:
            right = visit_of(requests[stop], stop.kind).place
        elif stop.kind is StopKind.END:
            right = case.duty.end_place
        if stop.place != right:
            message = f"stop {position} ({stop.kind}) is at place {stop.place}, not {right}"
            subject = stop.request or case.duty.id
            yield case.breach(Rule.TRAVEL, subject, YES_OR_NO, message)
        standing = right


def _committed(case: Case) -> Iterator[Violation]:
    """The route begins as the duty's committed stops say, at the times that are fixed."""
    stops = case.route.stops[1:]
    for position, fixed in enumerate(case.duty.committed):
        stop = stops[position] if position < len(stops) else None
        if stop is None or not _is(stop, fixed):
            subject = fixed.request or case.duty.id
            message = f"stop {position + 1} must be the committed {fixed.kind} of {subject}"
            yield case.breach(Rule.LOCK, subject, YES_OR_NO, message)
            return
        if fixed.begin_s is not None:
            yield from _fixed_time(case, stop, fixed.begin_s)


def _is(stop: PlannedStop, fixed: Committed) -> bool:
    return stop.kind == fixed.kind and (fixed.kind == "break" or stop.request == fixed.request)


def _fixed_time(case: Case, stop: PlannedStop, begin_s: float) -> Iterator[Violation]:
    off_s = abs(stop.begin_s - begin_s)
    if not off_s <= case.tolerance_s:
        message = f"the committed {stop.kind} begins at {stop.begin_s:.1f} s, not {begin_s:.1f} s"
        yield case.breach(Rule.LOCK, stop.request or case.duty.id, off_s, message)


def fitness(case: Case, request: Request | Reserve) -> Iterator[Violation]:
    """The duty has the skills, the equipment and the crew that are needed."""
    duty = case.duty
    lacking = ", ".join(sorted(request.skills - duty.skills))
    if lacking:
        yield case.breach(Rule.SKILLS, request.id, YES_OR_NO, f"the duty lacks {lacking}")
    lacking = ", ".join(sorted(request.equipment - duty.equipment))
    if lacking:
        yield case.breach(Rule.EQUIPMENT, request.id, YES_OR_NO, f"the duty lacks {lacking}")
    if request.crew > duty.crew:
        message = f"needs a crew of {request.crew}, the duty has {duty.crew}"
        yield case.breach(Rule.CREW, request.id, request.crew - duty.crew, message)


def _pin(case: Case, request: Request) -> Iterator[Violation]:
    if request.locked_duty not in {None, case.duty.id}:
        message = f"is pinned to the duty {request.locked_duty}"
        yield case.breach(Rule.LOCK, request.id, YES_OR_NO, message)


def _capacity(case: Case, stop: PlannedStop, riders: Sequence[Request]) -> Iterator[Violation]:
    over = places_over(case.duty.capacity, riders)
    if over > 0:
        message = f"{over} places too few with {', '.join(r.id for r in riders)} on board"
        yield case.breach(Rule.CAPACITY, stop.request or "", over, message)


def places_over(capacity: Capacity, riders: Sequence[Request | Reserve]) -> int:
    """By how many places the riders exceed the capacity, over all kinds of places."""
    seats = sum(rider.load.seats for rider in riders)
    wheelchairs = sum(rider.load.wheelchairs for rider in riders)
    stretchers = sum(rider.load.stretchers for rider in riders)
    folded = (
        capacity.fold_seats_per_wheelchair * wheelchairs
        + capacity.fold_seats_per_stretcher * stretchers
    )
    return (
        max(0, seats + folded - capacity.seats)
        + max(0, wheelchairs - capacity.wheelchairs)
        + max(0, stretchers - capacity.stretchers)
    )


def _sharing(case: Case, stop: PlannedStop, riders: Sequence[Request]) -> Iterator[Violation]:
    """Nobody rides with one who rides alone, nor with one of another group."""
    boarding = next((rider for rider in riders if rider.id == stop.request), None)
    if boarding is None:
        return
    for other in riders:
        if other.id == boarding.id:
            continue
        if boarding.ride_alone or other.ride_alone or boarding.share_group != other.share_group:
            message = f"may not be on board together with {other.id}"
            yield case.breach(Rule.SHARING, boarding.id, YES_OR_NO, message)
