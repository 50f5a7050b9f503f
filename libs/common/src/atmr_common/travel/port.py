"""The port for travel times: what every source of them answers.

A matrix comes whole from one source and says which; where a better source
was missing, `degraded` says why. The engine takes the two arrays as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAX_LATITUDE = 90.0
MAX_LONGITUDE = 180.0


@dataclass(frozen=True, slots=True)
class Coordinate:
    """A point on Earth in degrees (WGS 84). Raises ValueError outside of the globe."""

    lat: float
    lon: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lat) and math.isfinite(self.lon)):
            raise ValueError(f"A coordinate needs two finite numbers, not {self.lat}, {self.lon}.")
        if abs(self.lat) > MAX_LATITUDE:
            raise ValueError(
                f"Latitude {self.lat} is outside -90 to 90. Are latitude and longitude swapped?"
            )
        if abs(self.lon) > MAX_LONGITUDE:
            raise ValueError(f"Longitude {self.lon} is outside -180 to 180 degrees.")


@dataclass(frozen=True, slots=True, eq=False)
class TravelMatrix:
    """Driving times and distances between n points, from row to column.

    `time_s` (n, n) float64 seconds and `distance_km` (n, n) float64 kilometres, both with a zero
    diagonal, not negative, `inf` where the column's point cannot be reached; in general asymmetric.
    `source` names who answered ("osrm", "great_circle"); `degraded` is None, or the reason why a
    better source did not ("osrm_unavailable"). Raises ValueError where the arrays break this.
    """

    time_s: NDArray[np.float64]
    distance_km: NDArray[np.float64]
    source: str
    degraded: str | None = None

    def __post_init__(self) -> None:
        _require_matrix("time_s", self.time_s)
        _require_matrix("distance_km", self.distance_km)
        if self.time_s.shape != self.distance_km.shape:
            raise ValueError(
                f"time_s is {self.time_s.shape}, but distance_km is {self.distance_km.shape}."
            )

    def __len__(self) -> int:
        return len(self.time_s)


class TravelUnavailableError(Exception):
    """A source could not answer. `reason` is the short code that a degraded answer carries."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class TravelTimes(Protocol):
    """A source of travel times."""

    async def matrix(self, points: Sequence[Coordinate]) -> TravelMatrix:
        """All pairs of `points`, in their order. Raises TravelUnavailableError."""
        ...

    async def aclose(self) -> None:
        """Give back connections; the source is not used afterwards."""
        ...


def _require_matrix(name: str, matrix: NDArray[np.float64]) -> None:
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:  # noqa: PLR2004 - rows and columns
        raise ValueError(f"{name} must be square, but is {matrix.shape}.")
    if matrix.dtype != np.float64:
        raise ValueError(f"{name} must be float64, but is {matrix.dtype}.")
    if not bool((matrix >= 0).all()):
        raise ValueError(f"{name} has negative or missing entries; unreachable is inf.")
    if matrix.diagonal().any():
        raise ValueError(f"{name} must be zero on the diagonal.")
