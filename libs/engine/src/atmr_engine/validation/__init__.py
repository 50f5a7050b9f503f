"""Refuses a problem that cannot be right whatever the plan, naming the field that is wrong.

A request that merely fits no duty is no error here: it stays unserved, with its reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.problem import ProblemError
from atmr_engine.rules import RULES_OF_REQUESTS
from atmr_engine.validation.commitments import validate_commitments
from atmr_engine.validation.duties import validate_duty
from atmr_engine.validation.fields import require_not_negative, require_unique
from atmr_engine.validation.links import validate_links
from atmr_engine.validation.requests import validate_request, validate_reserve
from atmr_engine.validation.travel_matrices import validate_travel

if TYPE_CHECKING:
    from atmr_engine.problem import Problem, Request


def validate(problem: Problem) -> None:
    """Return when `problem` can be planned.

    Raises:
        ProblemError: naming the first field that is wrong (`requests[3].pickup.window`).

    """
    if problem.origin is not None and problem.origin.utcoffset() is None:
        raise ProblemError("origin", f"{problem.origin} has no time zone")
    places = validate_travel(problem.travel)
    require_not_negative("buffer_s", problem.buffer_s)
    require_unique("requests", [request.id for request in problem.requests])
    require_unique("duties", [duty.id for duty in problem.duties])
    require_unique("reserves", [reserve.id for reserve in problem.reserves])
    duties = {duty.id for duty in problem.duties}
    for index, request in enumerate(problem.requests):
        validate_request(f"requests[{index}]", request, places, duties)
    validate_links(problem.requests)
    for index, duty in enumerate(problem.duties):
        validate_duty(f"duties[{index}]", duty, places)
    validate_commitments(problem)
    for index, reserve in enumerate(problem.reserves):
        validate_reserve(f"reserves[{index}]", reserve)
    _waivers(problem)


def validate_addition(problem: Problem, request: Request) -> None:
    """Return when `request` can join the problem, all else of which is taken to be valid.

    Raises:
        ProblemError: naming the field that is wrong (`requests[7].pickup.place`, say).

    """
    requests = (*problem.requests, request)
    require_unique("requests", [each.id for each in requests])
    places, duties = int(problem.travel.time_s.shape[-1]), {duty.id for duty in problem.duties}
    validate_request(f"requests[{len(requests) - 1}]", request, places, duties)
    validate_links(requests)


def _waivers(problem: Problem) -> None:
    for index, waiver in enumerate(problem.waivers):
        of_request = waiver.rule in RULES_OF_REQUESTS
        if waiver.subject not in (problem.request_index if of_request else problem.duty_index):
            kind = "request" if of_request else "duty"
            raise ProblemError(
                f"waivers[{index}].subject", f"no {kind} has the id {waiver.subject!r}"
            )
