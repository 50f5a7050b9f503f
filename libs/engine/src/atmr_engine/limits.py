"""Driving limits and times out of service of duties, in the arrays that compiled code reads."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from atmr_engine.problem import Duty, Problem, TimeWindow


def state_limits(row: Any, problem: Problem, duty: Duty, excess_s: float) -> None:
    """Fill a duty's row (DUTY): its driving, how often it is away, whether its ways are unsteady.

    `excess_s` is how far its driving limits are waived.
    """
    rest = duty.driving_break
    row["max_driving_s"] = duty.max_driving_s
    row["rest_after_s"] = math.inf if rest is None else rest.after_s
    row["rest_s"] = math.inf if rest is None else rest.duration_s
    row["driving_excess_s"] = excess_s
    row["aways"] = len(list(merged(duty.out_of_service)))
    limited = rest is not None or duty.max_driving_s < math.inf
    row["unsteady"] = limited or row["aways"] > 0 or problem.travel.knots_s is not None


def times_away(problem: Problem) -> NDArray[np.float64]:
    """When vehicles are out of service (A, 2), duty by duty, each one's in order and apart."""
    spells = chain.from_iterable(merged(duty.out_of_service) for duty in problem.duties)
    return np.array(list(spells), dtype=np.float64).reshape(-1, 2)


def merged(windows: Sequence[TimeWindow]) -> Iterator[tuple[float, float]]:
    """The same times as spells that neither overlap nor touch, in order."""
    opens_s = closes_s = -math.inf
    for window in sorted(windows, key=lambda each: (each.open_s, each.close_s)):
        if window.open_s > closes_s:
            if closes_s > opens_s:
                yield opens_s, closes_s
            opens_s, closes_s = window.open_s, window.close_s
        closes_s = max(closes_s, window.close_s)
    if closes_s > opens_s:
        yield opens_s, closes_s
