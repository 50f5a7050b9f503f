"""What of a problem VROOM cannot state, in sentences: it would plan without it."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.formats.vroom_tasks import HIGHEST_PRIORITY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from atmr_engine.problem import Duty, Problem, Request

SHOWN = 3
UNSTATED_WEIGHTS = ("detour_min", "waiting_min", "driver_changes", "lateness_min", "overtime_min")


def losses(problem: Problem) -> Iterator[str]:
    """A sentence for each rule, price or time that VROOM does not know."""
    yield from _request_losses(problem)
    yield from _duty_losses(problem)
    if problem.waivers:
        yield f"{len(problem.waivers)} waivers: VROOM keeps the rule itself"
    priced = [name for name in UNSTATED_WEIGHTS if getattr(problem.weights, name) > 0]
    if priced:
        yield f"the objective has {', '.join(priced)}, which VROOM does not price"
    endless = any(math.isinf(duty.shift.close_s) for duty in problem.duties)
    if endless and np.isinf(problem.travel.time_s).any():
        yield "some places are out of reach, and a shift has no end: VROOM sees a long way only"
    if any(math.isfinite(time) and time != math.floor(time) for time in _times(problem)):
        yield "times are rounded to whole seconds, windows inwards and durations upwards"


def _request_losses(problem: Problem) -> Iterator[str]:
    requests = problem.requests
    groups = {request.share_group for request in requests}
    yield from _named(
        requests, lambda r: r.max_ride_s < math.inf, "maximum ride time (kept as max_ride_time)"
    )
    yield from _named(requests, lambda r: r.ride_alone, "riding alone")
    if len(groups) > 1:
        yield from _named(requests, lambda r: bool(r.share_group), "share groups")
    yield from _named(requests, lambda r: r.link is not None, "links to an earlier leg")
    yield from _named(
        requests, lambda r: r.priority > HIGHEST_PRIORITY, f"a priority above {HIGHEST_PRIORITY}"
    )


def _duty_losses(problem: Problem) -> Iterator[str]:
    duties = problem.duties
    yield from _named(
        duties,
        lambda d: d.max_duration_s < d.shift.close_s - d.shift.open_s,
        "a maximum duration (kept as max_duration)",
    )
    yield from _named(duties, lambda d: bool(d.committed), "a committed beginning (committed)")
    yield from _named(
        duties, lambda d: bool(d.breaks), "breaks at a stop: VROOM may take one on the way"
    )
    folds = {
        (d.capacity.fold_seats_per_wheelchair, d.capacity.fold_seats_per_stretcher) for d in duties
    }
    if len(folds) > 1:
        yield "duties fold away different numbers of seats: the largest counts for all"


def _named(
    entries: Iterable[Request] | Iterable[Duty], lost: Callable[[Any], bool], what: str
) -> Iterator[str]:
    ids = [entry.id for entry in entries if lost(entry)]
    if ids:
        more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
        yield f"VROOM does not keep {what}: {', '.join(ids[:SHOWN])}{more}"


def _times(problem: Problem) -> Iterator[float]:
    """Every finite time that is rounded."""
    for request in problem.requests:
        for visit in (request.pickup, request.dropoff):
            yield from (visit.window.open_s, visit.window.close_s, visit.service_s)
        yield from (request.max_ride_s, request.cleaning_s)
    for duty in problem.duties:
        yield from (duty.shift.open_s, duty.shift.close_s, duty.max_duration_s)
        for pause in duty.breaks:
            yield from (pause.duration_s, pause.window.open_s, pause.window.close_s)
    yield from chain.from_iterable(problem.travel.time_s.tolist())
