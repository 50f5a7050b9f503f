"""Refuses a problem that cannot be right whatever the plan, naming the field that is wrong.

A request that merely fits no duty is no error here: it stays unserved, with its reason.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.problem import ProblemError
from atmr_engine.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from atmr_engine.problem import Break, Committed, Duty, Problem, Request, TimeWindow, Visit

COMMITTED_KINDS = ("pickup", "dropoff", "break")


def validate(problem: Problem) -> None:
    """Return when `problem` can be planned.

    Raises:
        ProblemError: naming the first field that is wrong (`requests[3].pickup.window`).

    """
    if problem.origin is not None and problem.origin.utcoffset() is None:
        raise ProblemError("origin", f"{problem.origin} has no time zone")
    places = _travel(problem)
    _unique_ids("requests", [request.id for request in problem.requests])
    _unique_ids("duties", [duty.id for duty in problem.duties])
    duties = {duty.id for duty in problem.duties}
    for index, request in enumerate(problem.requests):
        _request(f"requests[{index}]", request, places, duties)
    _links(problem.requests)
    by_id = {request.id: request for request in problem.requests}
    for index, duty in enumerate(problem.duties):
        _duty(f"duties[{index}]", duty, places)
        _committed(f"duties[{index}].committed", duty.committed, set(by_id), len(duty.breaks))
    _committed_once(problem)
    _waivers(problem)


def validate_addition(problem: Problem, request: Request) -> None:
    """Return when `request` can join the problem, all else of which is taken to be valid.

    Raises:
        ProblemError: naming the field that is wrong (`requests[7].pickup.place`, say).

    """
    requests = (*problem.requests, request)
    _unique_ids("requests", [each.id for each in requests])
    places, duties = int(problem.travel.time_s.shape[0]), {duty.id for duty in problem.duties}
    _request(f"requests[{len(requests) - 1}]", request, places, duties)
    _links(requests)


def _travel(problem: Problem) -> int:
    """Check both matrices and return the number of places."""
    times, distances = problem.travel.time_s, problem.travel.distance_km
    _matrix("travel.time_s", times)
    _matrix("travel.distance_km", distances)
    if times.shape != distances.shape:
        raise ProblemError(
            "travel.distance_km",
            f"has shape {distances.shape}, while travel.time_s has {times.shape}",
        )
    return int(times.shape[0])


def _matrix(name: str, matrix: NDArray[np.float64]) -> None:
    if not isinstance(matrix, np.ndarray) or matrix.dtype != np.float64:
        raise ProblemError(name, "must be a numpy array of float64")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:  # noqa: PLR2004 (rows and columns)
        raise ProblemError(name, f"must be square, not of shape {matrix.shape}")
    wrong = np.argwhere(np.isnan(matrix) | (matrix < 0.0))
    if len(wrong):
        row, column = (int(position) for position in wrong[0])
        value = matrix[row, column]
        raise ProblemError(f"{name}[{row}, {column}]", f"must not be negative or NaN: {value}")


def _unique_ids(name: str, ids: Sequence[str]) -> None:
    seen: dict[str, int] = {}
    for index, identifier in enumerate(ids):
        if not identifier:
            raise ProblemError(f"{name}[{index}].id", "must not be empty")
        if identifier in seen:
            first = seen[identifier]
            raise ProblemError(
                f"{name}[{index}].id", f"{identifier!r} is already the id of {name}[{first}]"
            )
        seen[identifier] = index


def _not_negative(name: str, value: float, *, finite: bool = True) -> None:
    """Refuse NaN, negative and, unless `finite` is off, infinite values."""
    if math.isnan(value) or value < 0 or (finite and math.isinf(value)):
        kind = "finite and not negative" if finite else "a number and not negative"
        raise ProblemError(name, f"must be {kind}, not {value}")


def _place(name: str, place: int | None, places: int) -> None:
    if place is not None and not 0 <= place < places:
        raise ProblemError(name, f"place {place} is outside the matrices of {places} places")


def _window(name: str, window: TimeWindow) -> None:
    """A window opens at a finite time; it may stay open for ever."""
    if not math.isfinite(window.open_s):
        raise ProblemError(f"{name}.open_s", f"must be finite, not {window.open_s}")
    if math.isnan(window.close_s) or window.close_s < window.open_s:
        raise ProblemError(name, f"closes ({window.close_s}) before it opens ({window.open_s})")


def _visit(name: str, visit: Visit, places: int) -> None:
    _place(f"{name}.place", visit.place, places)
    _window(f"{name}.window", visit.window)
    _not_negative(f"{name}.service_s", visit.service_s)


def _request(name: str, request: Request, places: int, duties: set[str]) -> None:
    _visit(f"{name}.pickup", request.pickup, places)
    _visit(f"{name}.dropoff", request.dropoff, places)
    for kind in ("seats", "wheelchairs", "stretchers"):
        _not_negative(f"{name}.load.{kind}", getattr(request.load, kind))
    _not_negative(f"{name}.max_ride_s", request.max_ride_s, finite=False)
    _not_negative(f"{name}.crew", request.crew)
    _not_negative(f"{name}.cleaning_s", request.cleaning_s)
    _not_negative(f"{name}.priority", request.priority)
    if request.locked_duty is not None and request.locked_duty not in duties:
        raise ProblemError(f"{name}.locked_duty", f"no duty has the id {request.locked_duty!r}")


def _links(requests: Sequence[Request]) -> None:
    index = {request.id: position for position, request in enumerate(requests)}
    for position, request in enumerate(requests):
        if request.link is None:
            continue
        name = f"requests[{position}].link"
        _not_negative(f"{name}.stay_s", request.link.stay_s)
        if request.link.after not in index:
            raise ProblemError(f"{name}.after", f"no request has the id {request.link.after!r}")
        if request.link.after == request.id:
            raise ProblemError(f"{name}.after", f"{request.id!r} cannot follow itself")
    _no_cycle(requests, index)


def _no_cycle(requests: Sequence[Request], index: dict[str, int]) -> None:
    """Each request follows at most one other, so walking back is enough to find a circle."""
    settled: set[str] = set()
    for request in requests:
        chain: dict[str, None] = {}
        current: Request | None = request
        while current is not None and current.id not in settled:
            if current.id in chain:
                walked = list(chain)
                circle = " after ".join([*walked[walked.index(current.id) :], current.id])
                raise ProblemError(
                    f"requests[{index[current.id]}].link", f"links run in a circle: {circle}"
                )
            chain[current.id] = None
            current = requests[index[current.link.after]] if current.link is not None else None
        settled.update(chain)


def _duty(name: str, duty: Duty, places: int) -> None:
    for kind in (
        "seats",
        "wheelchairs",
        "stretchers",
        "fold_seats_per_wheelchair",
        "fold_seats_per_stretcher",
    ):
        _not_negative(f"{name}.capacity.{kind}", getattr(duty.capacity, kind))
    _window(f"{name}.shift", duty.shift)
    _place(f"{name}.start_place", duty.start_place, places)
    _place(f"{name}.end_place", duty.end_place, places)
    _not_negative(f"{name}.crew", duty.crew)
    _not_negative(f"{name}.max_duration_s", duty.max_duration_s, finite=False)
    for index, pause in enumerate(duty.breaks):
        _break(f"{name}.breaks[{index}]", pause, duty.shift)


def _break(name: str, pause: Break, shift: TimeWindow) -> None:
    _not_negative(f"{name}.duration_s", pause.duration_s)
    _window(f"{name}.window", pause.window)
    earliest = max(pause.window.open_s, shift.open_s)
    if pause.window.close_s < earliest:
        raise ProblemError(f"{name}.window", "closes before the shift begins")
    if earliest + pause.duration_s > shift.close_s:
        raise ProblemError(
            name,
            f"a break of {pause.duration_s} s from {earliest} at the earliest "
            f"does not end within the shift, which ends at {shift.close_s}",
        )


def _committed(name: str, stops: Sequence[Committed], known: set[str], breaks: int) -> None:
    """A fixed beginning names known requests, each pickup before its drop-off, each once."""
    done: dict[str, set[str]] = {"pickup": set(), "dropoff": set()}
    pauses, latest = 0, -math.inf
    for index, stop in enumerate(stops):
        here = f"{name}[{index}]"
        if stop.kind not in COMMITTED_KINDS:
            raise ProblemError(f"{here}.kind", f"{stop.kind!r} is none of {COMMITTED_KINDS}")
        if stop.begin_s is not None:
            if not math.isfinite(stop.begin_s) or stop.begin_s < latest:
                raise ProblemError(
                    f"{here}.begin_s", f"must be finite and not before {latest}: {stop.begin_s}"
                )
            latest = stop.begin_s
        if stop.kind == "break":
            pauses += 1
            if pauses > breaks:
                raise ProblemError(here, f"the duty has only {breaks} breaks")
        else:
            _committed_visit(here, stop, known, done)


def _committed_visit(
    here: str, stop: Committed, known: set[str], done: dict[str, set[str]]
) -> None:
    if stop.request is None or stop.request not in known:
        raise ProblemError(f"{here}.request", f"no request has the id {stop.request!r}")
    if stop.kind == "dropoff" and stop.request not in done["pickup"]:
        raise ProblemError(here, f"{stop.request!r} is dropped off before it is picked up")
    if stop.request in done[stop.kind]:
        raise ProblemError(here, f"the {stop.kind} of {stop.request!r} is committed twice")
    done[stop.kind].add(stop.request)


def _committed_once(problem: Problem) -> None:
    """No request is in the fixed beginning of two duties, or of another than its pin."""
    owner: dict[str, str] = {}
    for index, duty in enumerate(problem.duties):
        for position, stop in enumerate(duty.committed):
            if stop.request is None:
                continue
            here = f"duties[{index}].committed[{position}]"
            other = owner.setdefault(stop.request, duty.id)
            if other != duty.id:
                raise ProblemError(here, f"{stop.request!r} is committed to duty {other!r} too")
            pin = problem.requests[problem.request_index[stop.request]].locked_duty
            if pin not in {None, duty.id}:
                raise ProblemError(here, f"{stop.request!r} is locked to duty {pin!r}")


def _waivers(problem: Problem) -> None:
    of_requests = {Rule.WINDOW, Rule.RIDE_TIME}
    for index, waiver in enumerate(problem.waivers):
        known = problem.request_index if waiver.rule in of_requests else problem.duty_index
        if waiver.subject not in known:
            kind = "request" if waiver.rule in of_requests else "duty"
            raise ProblemError(
                f"waivers[{index}].subject", f"no {kind} has the id {waiver.subject!r}"
            )
