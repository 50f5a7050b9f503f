"""The fixed beginnings of duties: known requests, in an order that can be, each once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from atmr_engine.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atmr_engine.problem import Committed, Problem

COMMITTED_KINDS = ("pickup", "dropoff", "break")


def validate_commitments(problem: Problem) -> None:
    """Raise ProblemError for the first committed stop that is wrong."""
    known = set(problem.request_index)
    for index, duty in enumerate(problem.duties):
        breaks = math.inf if duty.driving_break is not None else len(duty.breaks)
        _committed(f"duties[{index}].committed", duty.committed, known, breaks)
    _committed_once(problem)


def _committed(name: str, stops: Sequence[Committed], known: set[str], breaks: float) -> None:
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
