"""A relaxation granted: the problem with the waivers, and the changed request or duty, for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from atmr_engine.compilation import Excess
from atmr_engine.explain.levers import RULE_OF, WAIVABLE, Lever
from atmr_engine.problem import Duty, Problem, Request, SameDriver, TimeWindow, Visit
from atmr_engine.rules import Rule, Waiver

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

OF_REQUESTS = frozenset({Rule.WINDOW, Rule.RIDE_TIME, Rule.PROMISE})


def granted(
    problem: Problem,
    request_id: str,
    duty_id: str,
    amounts: Mapping[Lever, int],
    riders: Collection[str],
    granted_by: str,
) -> Problem:
    """The problem under which a duty may take a request that needed `amounts`.

    A waiver reaches as much further than one that is there. `riders` are those whom the duty
    serves: with `Lever.SHARE` any of them may ride together with the request.
    """
    requests = tuple(
        changed_request(request, request_id, amounts, riders) for request in problem.requests
    )
    asked = problem.requests[problem.request_index[request_id]]
    duties = tuple(
        changed_duty(duty, asked, amounts) if duty.id == duty_id else duty
        for duty in problem.duties
    )
    excess = Excess(problem)
    waivers = []
    for lever in sorted(WAIVABLE & amounts.keys()):
        rule = RULE_OF[lever]
        subject = request_id if rule in OF_REQUESTS else duty_id
        further = excess.of(rule, subject) + amounts[lever]
        reason = f"so that duty {duty_id} can serve {request_id}"
        waivers.append(
            Waiver(
                rule=rule, subject=subject, excess_s=further, reason=reason, granted_by=granted_by
            )
        )
    return replace(problem, requests=requests, duties=duties, waivers=(*problem.waivers, *waivers))


def changed_request(
    request: Request, asked: str, amounts: Mapping[Lever, int], riders: Collection[str]
) -> Request:
    """A request as a relaxation for the request `asked` changes it."""
    if request.link is not None and asked in {request.id, request.link.after}:
        request = relinked(request, amounts)
    if request.id == asked:
        early = amounts.get(Lever.EARLIER, 0)
        request = replace(
            request,
            pickup=earlier(request.pickup, early),
            dropoff=earlier(request.dropoff, early),
            locked_duty=None if Lever.UNPIN in amounts else request.locked_duty,
        )
    if Lever.SHARE in amounts and (request.id == asked or request.id in riders):
        request = replace(request, ride_alone=False, share_group="")
    return request


def relinked(request: Request, amounts: Mapping[Lever, int]) -> Request:
    """A linked leg with a shorter stay, a free driver, or no link."""
    link = request.link
    if link is None or Lever.UNLINK in amounts:
        return replace(request, link=None)
    stay = max(0.0, link.stay_s - amounts.get(Lever.STAY, 0))
    free = Lever.DRIVER in amounts and link.same_driver is SameDriver.REQUIRE
    driver = SameDriver.FREE if free else link.same_driver
    return replace(request, link=replace(link, stay_s=stay, same_driver=driver))


def earlier(visit: Visit, by_s: int) -> Visit:
    """A visit whose window opens earlier."""
    window = visit.window
    return replace(visit, window=TimeWindow(window.open_s - by_s, window.close_s))


def changed_duty(duty: Duty, asked: Request, amounts: Mapping[Lever, int]) -> Duty:
    """The duty with what it lacks, and with its shift as early as it has to be."""
    capacity = replace(
        duty.capacity,
        seats=duty.capacity.seats + amounts.get(Lever.SEATS, 0),
        wheelchairs=duty.capacity.wheelchairs + amounts.get(Lever.WHEELCHAIRS, 0),
        stretchers=duty.capacity.stretchers + amounts.get(Lever.STRETCHERS, 0),
    )
    opens = duty.shift.open_s - amounts.get(Lever.SHIFT_START, 0)
    return replace(
        duty,
        capacity=capacity,
        equipment=duty.equipment | (asked.equipment if Lever.EQUIPMENT in amounts else set()),
        skills=duty.skills | (asked.skills if Lever.SKILLS in amounts else set()),
        crew=duty.crew + amounts.get(Lever.CREW, 0),
        shift=TimeWindow(opens, duty.shift.close_s),
        out_of_service=() if Lever.IN_SERVICE in amounts else duty.out_of_service,
    )
