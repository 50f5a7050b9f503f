"""Changes that a dispatcher may think of, and the plan that each would lead to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from atmr_engine.compilation import latest_pickup
from atmr_engine.explain.why_not import WhyNot, answer
from atmr_engine.online.desk import Desk, RefusedError
from atmr_engine.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from atmr_engine.problem import Problem, Request, TimeWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveTo:
    """Another duty serves a request; a dispatcher's pin to a third one moves along."""

    request: str
    duty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOff:
    """A request is left unserved."""

    request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retime:
    """A request gets other windows; its duty keeps it if it can."""

    request: str
    pickup: TimeWindow
    dropoff: TimeWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutDuty:
    """A duty falls away; others take its requests as far as they fit, the most urgent first."""

    duty: str


Change = MoveTo | TakeOff | Retime | WithoutDuty


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The problem and the plan after a change; `refused` says why it cannot be made at all."""

    desk: Desk
    refused: WhyNot | None = None


def outcome(problem: Problem, plan: Plan, change: Change) -> Outcome:
    """Make a change on a desk of its own.

    Raises:
        KeyError: for a request or duty that the problem does not know.
        ProblemError: for windows that cannot be.
        RefusedError: where what is committed would have to change.

    """
    match change:
        case MoveTo():
            return moved_to(problem, plan, change)
        case TakeOff():
            desk = Desk.open(problem, plan)
            desk.remove(change.request)
            return Outcome(desk=desk)
        case Retime():
            return retimed(problem, plan, change)
        case WithoutDuty():
            return without_duty(problem, plan, change)


def with_request(problem: Problem, request: Request) -> Problem:
    """The problem with one request changed."""
    requests = (request if each.id == request.id else each for each in problem.requests)
    return replace(problem, requests=tuple(requests))


def moved_to(problem: Problem, plan: Plan, change: MoveTo) -> Outcome:
    """See `MoveTo`; nothing happens where the duty cannot take the request."""
    request = problem.requests[problem.request_index[change.request]]
    duty = problem.duty_index[change.duty]
    if request.locked_duty is not None:
        problem = with_request(problem, replace(request, locked_duty=change.duty))
    stripped = Desk.open(problem, plan_without(problem, plan, request.id))
    offer = stripped.offer_of(request.id, change.duty)
    if offer is None:
        why = answer(stripped, stripped.index(request.id), duty, fits=False)
        return Outcome(desk=Desk.open(problem, plan), refused=why)
    stripped.insert(request.id, offer)
    return Outcome(desk=stripped)


def retimed(problem: Problem, plan: Plan, change: Retime) -> Outcome:
    """See `Retime`."""
    request = problem.requests[problem.request_index[change.request]]
    was = next((r.duty for r in plan.routes if request.id in r.requests), None)
    rest = plan_without(problem, plan, request.id)
    other = replace(
        request,
        pickup=replace(request.pickup, window=change.pickup),
        dropoff=replace(request.dropoff, window=change.dropoff),
    )
    desk = Desk.open(with_request(problem, other), rest)
    reinsert(desk, [request.id], was)
    return Outcome(desk=desk)


def without_duty(problem: Problem, plan: Plan, change: WithoutDuty) -> Outcome:
    """See `WithoutDuty`."""
    duty = problem.duties[problem.duty_index[change.duty]]
    if duty.committed:
        raise RefusedError(f"duty {duty.id!r} has a committed beginning")
    waivers = tuple(w for w in problem.waivers if w.subject != duty.id)
    free = (
        replace(r, locked_duty=None) if r.locked_duty == duty.id else r for r in problem.requests
    )
    duties = tuple(each for each in problem.duties if each.id != duty.id)
    smaller = replace(problem, requests=tuple(free), duties=duties, waivers=waivers)
    routes = tuple(route for route in plan.routes if route.duty != duty.id)
    desk = Desk.open(smaller, Plan(routes=routes))
    names = {name for route in plan.routes if route.duty == duty.id for name in route.requests}
    stranded = [request for request in problem.requests if request.id in names]
    stranded.sort(key=lambda request: needed_by(problem, request))
    reinsert(desk, [request.id for request in stranded], None)
    return Outcome(desk=desk)


def needed_by(problem: Problem, request: Request) -> float:
    """The latest moment at which the request's pickup can begin."""
    direct_s = float(problem.travel.time_s[request.pickup.place, request.dropoff.place])
    return latest_pickup(request, direct_s)


def plan_without(problem: Problem, plan: Plan, request_id: str) -> Plan:
    """The plan without one request, all others at their times unless they move up."""
    desk = Desk.open(problem, plan)
    if desk.is_served(request_id):
        desk.remove(request_id)
    return Plan(routes=desk.routes())


def reinsert(desk: Desk, requests: Iterable[str], first: str | None) -> None:
    """Serve requests again, by the duty `first` where that can be, else where it costs least."""
    for request in requests:
        own = desk.offer_of(request, first) if first is not None else None
        if own is not None:
            desk.insert(request, own)
        elif desk.offers(request, 1):
            desk.insert(request)
