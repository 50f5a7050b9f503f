"""Judges a whole plan: who is served, that legs follow each other, then each route by itself."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from atmr_engine.checker.break_rules import breaks
from atmr_engine.checker.case import TOLERANCE_S, YES_OR_NO, Case, waived_seconds
from atmr_engine.checker.driving_rules import driving
from atmr_engine.checker.out_of_service import out_of_service
from atmr_engine.checker.reserve_rules import kept_or_named, reserves
from atmr_engine.checker.route_rules import route_rules
from atmr_engine.checker.time_rules import time_rules, untimed
from atmr_engine.plan import StopKind
from atmr_engine.problem import SameDriver
from atmr_engine.rules import Rule, Violation, Waiver

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from atmr_engine.plan import Plan, PlannedStop
    from atmr_engine.problem import Duty, Problem, Request


def check(
    problem: Problem,
    plan: Plan,
    waivers: Iterable[Waiver] | None = None,
    *,
    tolerance_s: float = TOLERANCE_S,
) -> list[Violation]:
    """Every breach of every rule in `plan`; an empty list is a valid plan.

    `waivers` None: those of the problem; an empty one judges without any. `excess` of a violation
    is what goes beyond rule and waiver (seconds, places, or 1 for yes-or-no rules). A plan whose
    timetable was rounded is judged with a `tolerance_s` of twice the rounding.
    """
    leave = waived_seconds(problem.waivers if waivers is None else waivers)
    cases = [
        Case(
            problem=problem,
            duty=problem.duties[problem.duty_index[route.duty]],
            route=route,
            leave=leave,
            tolerance_s=tolerance_s,
        )
        for route in plan.routes
        if route.duty in problem.duty_index
    ]
    return [
        *_duties(problem, plan),
        *_coverage(problem, plan),
        *kept_or_named(problem, plan),
        *(violation for case in cases for violation in _route(case)),
        *_links(problem, cases, tolerance_s),
    ]


def _route(case: Case) -> Iterator[Violation]:
    yield from route_rules(case)
    missing = list(untimed(case))
    yield from missing
    if not missing:
        yield from time_rules(case)
        yield from breaks(case)
        yield from driving(case)
        yield from reserves(case)
        yield from out_of_service(case)


def _plan_breach(rule: Rule, subject: str, duty: str | None, message: str) -> Violation:
    return Violation(rule=rule, subject=subject, duty=duty, excess=YES_OR_NO, message=message)


def _duties(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Each route belongs to a duty of the problem, and each duty has one at most."""
    routes = Counter(route.duty for route in plan.routes)
    for duty, count in routes.items():
        if duty not in problem.duty_index:
            yield _plan_breach(Rule.COVERAGE, duty, duty, "the problem has no such duty")
        if count > 1:
            yield _plan_breach(Rule.COVERAGE, duty, duty, f"the duty has {count} routes")
    for planned in problem.duties:
        if planned.committed and planned.id not in routes:
            message = "the duty has a committed beginning and no route"
            yield _plan_breach(Rule.LOCK, planned.id, planned.id, message)


def _coverage(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Each request is picked up once and dropped off once, or is listed as unserved once."""
    stops = [stop for route in plan.routes for stop in route.stops if stop.request is not None]
    pickups = Counter(stop.request for stop in stops if stop.kind is StopKind.PICKUP)
    dropoffs = Counter(stop.request for stop in stops if stop.kind is StopKind.DROPOFF)
    unserved = Counter(entry.request for entry in plan.unserved)
    for request in problem.requests:
        counts = (pickups[request.id], dropoffs[request.id], unserved[request.id])
        if counts not in {(1, 1, 0), (0, 0, 1)}:
            message = (
                f"picked up {counts[0]} times, dropped off {counts[1]} times, "
                f"listed as unserved {counts[2]} times"
            )
            yield _plan_breach(Rule.COVERAGE, request.id, None, message)
    named = {stop.request for stop in stops if stop.request is not None} | set(unserved)
    for stranger in sorted(named - set(problem.request_index)):
        yield _plan_breach(Rule.COVERAGE, stranger, None, "the problem has no such request")


def _links(problem: Problem, cases: list[Case], tolerance_s: float) -> Iterator[Violation]:
    """A linked leg begins after the leg before it and the stay, with the driver it requires."""
    pickups: dict[str, tuple[PlannedStop, Duty]] = {}
    dropoffs: dict[str, tuple[PlannedStop, Duty]] = {}
    for case in cases:
        for stop, request in case.visits():
            ends = pickups if stop.kind is StopKind.PICKUP else dropoffs
            ends.setdefault(request.id, (stop, case.duty))
    for request in problem.requests:
        link = request.link
        if link is not None and link.after in dropoffs and request.id in pickups:
            before = problem.requests[problem.request_index[link.after]]
            yield from _link(request, before, dropoffs[before.id], pickups[request.id], tolerance_s)


def _link(
    request: Request,
    before: Request,
    dropoff: tuple[PlannedStop, Duty],
    pickup: tuple[PlannedStop, Duty],
    tolerance_s: float,
) -> Iterator[Violation]:
    if request.link is None:
        return
    ready_s = dropoff[0].begin_s + before.dropoff.service_s + request.link.stay_s
    early_s = ready_s - pickup[0].begin_s
    if early_s > tolerance_s:
        yield Violation(
            rule=Rule.LINK,
            subject=request.id,
            duty=pickup[1].id,
            excess=early_s,
            message=f"picked up {early_s:.1f} s before {before.id} and the stay are over",
        )
    if request.link.same_driver is SameDriver.REQUIRE and not _same_driver(dropoff[1], pickup[1]):
        message = f"requires the driver of {before.id}, who drives {dropoff[1].id}"
        yield _plan_breach(Rule.LINK, request.id, pickup[1].id, message)


def _same_driver(first: Duty, second: Duty) -> bool:
    """One duty is one driver; two duties are when both name the same one."""
    return first.id == second.id or (first.driver != "" and first.driver == second.driver)
