"""Which parts of a problem the search cannot plan yet, though checker and objective know them.

`solve` refuses such a problem by name instead of planning as if the part were not there.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from atmr_engine.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atmr_engine.problem import Duty, Problem, Request
    from atmr_engine.weights import Weights


def unplanned_features(problem: Problem) -> tuple[str, ...]:
    """The fields of `problem` that the search does not plan by yet, as errors name them.

    A fact that costs nothing under the problem's weights and binds nothing is planned: it changes
    no plan.
    """
    return tuple(_fields(problem))


def refuse_unplanned(problem: Problem) -> None:
    """Return when the search can plan all that `problem` states.

    Raises:
        ProblemError: naming the first field that is not planned yet.

    """
    for field in unplanned_features(problem):
        raise ProblemError(field, "is not planned yet: the checker and the objective know it alone")


def _fields(problem: Problem) -> Iterator[str]:
    if problem.travel.knots_s is not None:
        yield "travel.knots_s"
    for index, request in enumerate(problem.requests):
        for name in _of_request(request, problem.weights):
            yield f"requests[{index}].{name}"
    for index, duty in enumerate(problem.duties):
        for name in _of_duty(duty, problem.weights):
            yield f"duties[{index}].{name}"
    if problem.buffer_s and problem.weights.tightness_min:
        yield "buffer_s"
    if problem.reserves:
        yield "reserves"


def _of_request(request: Request, weights: Weights) -> Iterator[str]:
    if request.published_duty is not None and weights.reassigned:
        yield "published_duty"
    if request.promise is not None and (request.promise.hard or weights.promise_min):
        yield "promise"
    if request.familiar and weights.unfamiliar_drivers:
        yield "familiar"


def _of_duty(duty: Duty, weights: Weights) -> Iterator[str]:
    if duty.max_driving_s < math.inf:
        yield "max_driving_s"
    if duty.driving_break is not None:
        yield "driving_break"
    if duty.out_of_service:
        yield "out_of_service"
    if duty.fair_share_min is not None and weights.fairness_h2:
        yield "fair_share_min"
