"""Figures of many days: means with intervals, and paired differences between two policies.

Under common random numbers two policies live the same days, so the difference of a day is known
far better than either figure: the interval is that of the mean of the differences.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from statistics import NormalDist, fmean, stdev
from typing import TYPE_CHECKING

from atmr_engine.simulate.day_state import Standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atmr_engine.simulate.results import DrivenDay

CONFIDENCE = 0.95
VERY_LATE_S = 900.0
FALLEN_AWAY = frozenset({Standing.CANCELLED, Standing.NO_SHOW, Standing.HELD})


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """One day in numbers: shares of what was served or wanted, hours, and counts."""

    on_time: float
    """Of the served: fetched at the told time and there for the appointment."""
    very_late: float
    """Of the served: more than 15 minutes late at either end."""
    unserved: float
    """Of those who were there and did not call off."""
    duty_hours: float
    """Between departure and return, over all duties."""
    overtime_hours: float
    """After the shifts' ends."""
    ride_over_direct: float
    """Time on board, over what the direct ways take in free flow."""
    moved: float
    """Told times that decisions moved."""
    refused: float
    """Decisions that would have broken a rule or a commitment."""

    @classmethod
    def of(cls, day: DrivenDay) -> DayFigures:
        """The figures of a driven day; shares of nothing are 0."""
        served = [r for r in day.requests if r.outcome is Standing.SERVED]
        wanted = [r for r in day.requests if r.outcome not in FALLEN_AWAY]
        very_late = sum((r.late_s or 0.0) > VERY_LATE_S for r in served)
        return cls(
            on_time=_share(sum(r.on_time for r in served), len(served)),
            very_late=_share(very_late, len(served)),
            unserved=_share(len(wanted) - len(served), len(wanted)),
            duty_hours=sum(d.working_s for d in day.duties) / 3600.0,
            overtime_hours=sum(d.overtime_s for d in day.duties) / 3600.0,
            ride_over_direct=_share(
                sum(r.ride_s or 0.0 for r in served), sum(r.direct_s or 0.0 for r in served)
            ),
            moved=float(day.moved),
            refused=float(day.refused),
        )


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over days and half the width of its 95 % interval (infinite for a single day)."""

    mean: float
    half_width: float
    days: int


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and Student's interval of one figure over independent days.

    Raises:
        ValueError: without any value.

    """
    if not values:
        raise ValueError("there are no days to estimate from")
    days = len(values)
    if days == 1:
        return Estimate(values[0], math.inf, 1)
    width = student_quantile(0.5 + CONFIDENCE / 2, days - 1) * stdev(values) / math.sqrt(days)
    return Estimate(fmean(values), width, days)


def estimates(days: Sequence[DayFigures]) -> dict[str, Estimate]:
    """Every figure's estimate, by its name."""
    return {
        item.name: estimate([getattr(day, item.name) for day in days])
        for item in fields(DayFigures)
    }


def paired_differences(
    ones: Sequence[DayFigures], others: Sequence[DayFigures]
) -> dict[str, Estimate]:
    """Of every figure: that of the other minus that of the one, day by day.

    Raises:
        ValueError: where the two have not lived the same number of days.

    """
    return {
        item.name: estimate(
            [
                getattr(other, item.name) - getattr(one, item.name)
                for one, other in zip(ones, others, strict=True)
            ]
        )
        for item in fields(DayFigures)
    }


def student_quantile(probability: float, freedom: int) -> float:
    """Quantile of Student's t: exact for 1 and 2 degrees of freedom, else within 0.1 %.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5.
    """
    if freedom == 1:
        return math.tan(math.pi * (probability - 0.5))
    if freedom == 2:  # noqa: PLR2004 (the second closed form)
        signed = 2 * probability - 1
        return signed * math.sqrt(2 / (1 - signed**2))
    x = NormalDist().inv_cdf(probability)
    terms = (
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92_160,
    )
    return x + math.fsum(term / float(freedom) ** power for power, term in enumerate(terms, 1))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
