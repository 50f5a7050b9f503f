"""Times and costs of a problem as VROOM's whole numbers, always to the careful side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.formats.vroom_fields import LARGEST, VroomError
from atmr_engine.formats.vroom_matrices import METRES_PER_KM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atmr_engine.problem import Problem, TimeWindow

MINUTE = 60.0
UNITS_PER_WEIGHT = 1000.0
"""VROOM counts costs in whole numbers: thousandths of the engine's."""
DEAREST = 1e9
"""Costs of a leg are made smaller than this, so that sums stay within VROOM's numbers."""


@dataclass(frozen=True)
class WholeNumbers:
    """The numbers of one problem; `offset_s` is what makes its earliest time zero, if below."""

    problem: Problem

    @cached_property
    def offset_s(self) -> int:
        requests, duties = self.problem.requests, self.problem.duties
        opens = [visit.window.open_s for r in requests for visit in (r.pickup, r.dropoff)]
        opens += [duty.shift.open_s for duty in duties]
        opens += [pause.window.open_s for duty in duties for pause in duty.breaks]
        opens += [stop.begin_s or 0.0 for duty in duties for stop in duty.committed]
        return max(0, math.ceil(-min(opens, default=0.0)))

    @cached_property
    def _horizon_s(self) -> float:
        """When the last shift ends; a window that never closes ends with it."""
        return max((duty.shift.close_s for duty in self.problem.duties), default=math.inf)

    def moment(self, seconds: float) -> int:
        """A fixed time."""
        return math.ceil(seconds) + self.offset_s

    def window(self, window: TimeWindow, *, spent_s: float = 0.0) -> list[int] | None:
        """`[start, end]` within the window, or None where it is open on both sides.

        `spent_s` is taken off an end that the horizon gives.

        Raises:
            VroomError: where a time is beyond VROOM's numbers.

        """
        opens, closes = window.open_s, window.close_s
        if opens + self.offset_s <= 0 and math.isinf(closes):
            return None
        if math.isinf(closes):
            closes = max(opens, min(self._horizon_s - spent_s, LARGEST // 2 - self.offset_s))
        first = self.moment(opens)
        last = max(first, math.floor(closes) + self.offset_s)
        if last > LARGEST:
            raise VroomError("time_windows", f"end at {last}", "count from a later origin")
        return [first, last]

    @cached_property
    def scale(self) -> float:
        """Units of VROOM's cost for one of the engine's."""
        weights, travel = self.problem.weights, self.problem.travel
        dearest = weights.distance_km * _finite(travel.distance_km).max(initial=0.0)
        dearest += weights.working_min / MINUTE * _finite(travel.time_s).max(initial=0.0)
        dearest = max(float(dearest), weights.duties_used + weights.emergency_duties)
        return UNITS_PER_WEIGHT * min(1.0, DEAREST / max(1.0, UNITS_PER_WEIGHT * dearest))

    @cached_property
    def costs(self) -> NDArray[np.float64]:
        """What a leg costs by distance and working time; its seconds where the weights price none.

        A leg that does not exist costs as much as the dearest one.
        """
        weights, travel = self.problem.weights, self.problem.travel
        exact = weights.distance_km * _finite(travel.distance_km)
        exact = exact + weights.working_min / MINUTE * _finite(travel.time_s)
        return np.round(exact * self.scale) if exact.any() else np.ceil(_finite(travel.time_s))

    @cached_property
    def distances_m(self) -> NDArray[np.float64]:
        return np.round(_finite(self.problem.travel.distance_km) * METRES_PER_KM)

    @cached_property
    def nowhere(self) -> int | None:
        """A place at no distance from anywhere, for duties that VROOM would refuse without ends."""
        endless = any(d.start_place is None and d.end_place is None for d in self.problem.duties)
        return len(self.problem.travel.time_s) if endless else None

    def matrices(self) -> dict[str, list[list[int]]]:
        """`durations`, `distances` and `costs`.

        Raises:
            VroomError: where an entry is beyond VROOM's numbers.

        """
        durations = np.ceil(self.problem.travel.time_s)
        durations[np.isinf(durations)] = self._unreachable_s
        matrices = {"durations": durations, "distances": self.distances_m, "costs": self.costs}
        return {key: self._rows(key, matrix) for key, matrix in matrices.items()}

    @property
    def _unreachable_s(self) -> float:
        """Longer than any shift."""
        shifts = [duty.shift.close_s - duty.shift.open_s for duty in self.problem.duties]
        longest = max(shifts, default=0.0)
        return math.ceil(longest) + 1 if longest < LARGEST // 2 else LARGEST // 2

    def _rows(self, key: str, matrix: NDArray[np.float64]) -> list[list[int]]:
        if matrix.max(initial=0.0) > LARGEST:
            raise VroomError(f"matrices.car.{key}", "has too large a number", "use other units")
        if self.nowhere is not None:
            matrix = np.pad(matrix, (0, 1))
        return [[int(value) for value in row] for row in matrix]


def _finite(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix with the largest finite entry where there is no way."""
    finite = matrix[np.isfinite(matrix)]
    return np.where(np.isfinite(matrix), matrix, finite.max(initial=0.0))
