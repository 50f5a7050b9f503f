"""Whom a duty may carry at all: places, equipment, skills, crew, and pins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import NDArray

    from atmr_engine.problem import Capacity, Duty, Load, Problem, Request, Reserve


def compatibility(problem: Problem) -> NDArray[np.uint8]:
    """Whom a duty may carry if it carries nobody else (R, D): load, skills, equipment, crew, pins.

    Requests and duties that are alike are compared once.
    """
    table = np.zeros((len(problem.requests), len(problem.duties)), dtype=np.uint8)
    duty_kinds: dict[Hashable, list[int]] = {}
    for index, duty in enumerate(problem.duties):
        kind = (duty.capacity, duty.skills, duty.equipment, duty.crew)
        duty_kinds.setdefault(kind, []).append(index)
    request_kinds: dict[Hashable, list[int]] = {}
    for index, request in enumerate(problem.requests):
        needs = (request.load, request.skills, request.equipment, request.crew)
        request_kinds.setdefault(needs, []).append(index)
    for alike in request_kinds.values():
        for duties in duty_kinds.values():
            fits = first_mismatch(problem.requests[alike[0]], problem.duties[duties[0]]) is None
            table[np.ix_(alike, duties)] = fits
    pin(problem, table)
    return table


def pin(problem: Problem, table: NDArray[np.uint8]) -> None:
    """Leave a locked or committed request the duty that it is pinned to, and no other."""
    pins = [(r.id, r.locked_duty) for r in problem.requests if r.locked_duty is not None]
    pins += [(s.request, d.id) for d in problem.duties for s in d.committed if s.request]
    for request_id, duty_id in pins:
        row = table[problem.request_index[request_id]]
        keep = row[problem.duty_index[duty_id]]
        row[:] = 0
        row[problem.duty_index[duty_id]] = keep


def first_mismatch(request: Request | Reserve, duty: Duty) -> Rule | None:
    """The first rule by which the duty can never carry the request, pins aside; None if it can."""
    if not holds(duty.capacity, request.load):
        return Rule.CAPACITY
    if not request.equipment <= duty.equipment:
        return Rule.EQUIPMENT
    if not request.skills <= duty.skills:
        return Rule.SKILLS
    return Rule.CREW if request.crew > duty.crew else None


def holds(capacity: Capacity, load: Load) -> bool:
    """Whether a load fits into an empty vehicle (folding seats included, see `Capacity`)."""
    folded = capacity.fold_seats_per_wheelchair * load.wheelchairs
    folded += capacity.fold_seats_per_stretcher * load.stretchers
    return (
        load.wheelchairs <= capacity.wheelchairs
        and load.stretchers <= capacity.stretchers
        and load.seats + folded <= capacity.seats
    )
