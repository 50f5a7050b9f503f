"""Driving: the time on ways in a day, and without a break that is long enough.

A DRIVING waiver of x seconds lets either be x longer. Waiting and service are no driving.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from atmr_engine.checker.legs import legs
from atmr_engine.plan import StopKind
from atmr_engine.rules import Rule, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atmr_engine.checker.case import Case
    from atmr_engine.plan import PlannedStop
    from atmr_engine.problem import DrivingBreak


def driving(case: Case) -> Iterator[Violation]:
    """Breaches of DRIVING."""
    duty, rest = case.duty, case.duty.driving_break
    if rest is None and duty.max_driving_s == math.inf:
        return
    total_s = sum(leg.way_s for leg in legs(case))
    yield from case.too_long(Rule.DRIVING, duty.id, total_s, duty.max_driving_s, "drives too long")
    if rest is not None:
        longest_s = _longest_stretch_s(case, rest)
        what = "drives too long without a break"
        yield from case.too_long(Rule.DRIVING, duty.id, longest_s, rest.after_s, what)


def _longest_stretch_s(case: Case, rest: DrivingBreak) -> float:
    """The most driving between two pauses that count, the departure being one of them."""
    longest_s = stretch_s = 0.0
    for leg in legs(case):
        if is_driving_break(leg.before, rest, case.tolerance_s):
            stretch_s = 0.0
        stretch_s += leg.way_s
        longest_s = max(longest_s, stretch_s)
    return longest_s


def is_driving_break(stop: PlannedStop, rest: DrivingBreak, tolerance_s: float) -> bool:
    """Whether a stop is a break, and long enough to begin the driving anew."""
    too_short_s = rest.duration_s - (stop.end_s - stop.begin_s)
    return stop.kind is StopKind.BREAK and too_short_s <= tolerance_s
