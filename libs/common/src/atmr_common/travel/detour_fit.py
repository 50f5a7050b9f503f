"""Least squares for the great-circle model, and how far it is off.

Squares of seconds and km, not of their logarithms: what is fitted is the
mean, so that the sum over a route is not biased.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from atmr_common.travel.great_circle import DetourModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCALES_KM = np.arange(0.05, 1.01, 0.05)
EQUALLY_GOOD = 0.001  # share of the squared error
SQUARED_ROUNDING = 1e-8  # km squared: OSRM's tenths of a metre
EXPONENTS = np.arange(0.40, 1.001, 0.001)


@dataclass(frozen=True, slots=True, eq=False)
class PairSample:
    """Pairs of places as 1-d arrays of one length: great-circle km, road km, seconds."""

    direct_km: NDArray[np.float64]
    road_km: NDArray[np.float64]
    time_s: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.direct_km)


@dataclass(frozen=True, slots=True)
class Residual:
    """How far estimates are from what was measured; shares are of the measured value."""

    bias_share: float
    """Of the sums: what a long route is off, above zero where the estimate is too long."""
    median_share: float
    """Of a single pair, without its sign."""
    p90_share: float
    """The same, exceeded by one pair in ten."""


def fit(sample: PairSample) -> DetourModel:
    """Raises ValueError where there is too little to fit."""
    if len(sample) < len(EXPONENTS):
        raise ValueError(f"{len(sample)} pairs are too few; {len(EXPONENTS)} at least.")
    factor, offset_km, scale_km = _fit_detour(sample.direct_km, sample.road_km)
    pace_s, exponent = _fit_pace(sample.direct_km, sample.time_s)
    return DetourModel(
        detour_factor=round(factor, 3),
        detour_offset_km=round(offset_km, 3),
        detour_scale_km=round(scale_km, 2),
        pace_s=round(pace_s, 1),
        pace_exponent=round(exponent, 3),
    )


def residual(estimate: NDArray[np.float64], measured: NDArray[np.float64]) -> Residual:
    shares = np.abs(estimate - measured) / measured
    return Residual(
        bias_share=float(estimate.sum() / measured.sum() - 1),
        median_share=float(np.median(shares)),
        p90_share=float(np.quantile(shares, 0.9)),
    )


def _fit_detour(
    direct_km: NDArray[np.float64], road_km: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Linear least squares of factor and offset at each scale; no road is shorter than direct.

    A sample of one town hardly tells the scale from the factor, and only the factor matters beyond
    the sample. Of the fits that are equally good the one with the largest factor is taken: too
    short a road would flatter every long trip.
    """
    candidates: list[tuple[float, float, float, float]] = []
    for scale_km in SCALES_KM.tolist():
        columns = np.column_stack([direct_km, -np.expm1(-direct_km / scale_km)])
        (factor, offset_km), *_ = np.linalg.lstsq(columns, road_km)
        if factor >= 1 and offset_km >= 0:
            error = float(np.square(columns @ (factor, offset_km) - road_km).sum())
            candidates.append((error, float(factor), float(offset_km), scale_km))
    if not candidates:
        raise ValueError("Roads are shorter than the great circle: are the units or axes swapped?")
    good_enough = min(candidates)[0] * (1 + EQUALLY_GOOD) + SQUARED_ROUNDING * len(direct_km)
    return max(fitted[1:] for fitted in candidates if fitted[0] <= good_enough)


def _fit_pace(direct_km: NDArray[np.float64], time_s: NDArray[np.float64]) -> tuple[float, float]:
    """Least squares of the pace at each exponent."""
    candidates: list[tuple[float, float, float]] = []
    for exponent in EXPONENTS.tolist():
        powered = direct_km**exponent
        pace_s = float(powered @ time_s / (powered @ powered))
        candidates.append((float(np.square(pace_s * powered - time_s).sum()), pace_s, exponent))
    return min(candidates)[1:]
