"""Which duties may exchange whole routes: those that differ by name, vehicle and driver alone.

A route found on one duty of a class can be driven by every other, at the same cost.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.problem import SameDriver

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import NDArray

    from atmr_engine.problem import Duty, Problem


@dataclass(frozen=True, slots=True)
class DutyClasses:
    """The class of each duty, and how many routes a class drives.

    `of_duty` (D,) int64; `least` and `most` (C,) int64: a duty with a committed beginning is a
    class of its own that drives exactly one route, every other class drives none to all.
    """

    of_duty: NDArray[np.int64]
    least: NDArray[np.int64]
    most: NDArray[np.int64]

    def duties(self, group: int) -> list[int]:
        """The duties of a class, in the order of the problem."""
        return [int(duty) for duty in np.flatnonzero(self.of_duty == group)]


def duty_classes(problem: Problem) -> DutyClasses:
    """Classes of identical duties, numbered in the order in which they first occur.

    Alone are: duties with a committed beginning, a pinned or published request, a waiver, or a
    driver whom a request knows, and, where linked legs ask for one driver, duties whose driver has
    a second duty.
    """
    named = alone(problem)
    numbers: dict[Hashable, int] = {}
    of_duty = [
        numbers.setdefault(duty.id if duty.id in named else likeness(duty), len(numbers))
        for duty in problem.duties
    ]
    least = np.zeros(len(numbers), dtype=np.int64)
    for group, duty in zip(of_duty, problem.duties, strict=True):
        least[group] = int(bool(duty.committed))
    return DutyClasses(
        of_duty=np.array(of_duty, dtype=np.int64),
        least=least,
        most=np.bincount(of_duty, minlength=len(numbers)).astype(np.int64),
    )


def likeness(duty: Duty) -> Duty:
    """The duty without what no cost and no rule looks at; equal where two are interchangeable."""
    return replace(duty, id="", driver="", vehicle="")


def alone(problem: Problem) -> set[str]:
    """Duties that something in the problem tells apart from their like."""
    drivers = Counter(duty.driver for duty in problem.duties if duty.driver)
    wishes = any(
        request.link is not None and request.link.same_driver is not SameDriver.FREE
        for request in problem.requests
    )
    familiar = {driver for request in problem.requests for driver in request.familiar}
    told_apart = {request.locked_duty for request in problem.requests}
    told_apart |= {request.published_duty for request in problem.requests}
    told_apart |= {waiver.subject for waiver in problem.waivers}
    return {
        duty.id
        for duty in problem.duties
        if duty.committed
        or duty.id in told_apart
        or duty.driver in familiar
        or (wishes and drivers[duty.driver] > 1)
    }
