"""A benchmark's problem in whole numbers, for solvers that count in them.

A unit of an instance has 1,000 steps. Ways and services are rounded up, windows and limits
inwards, so that what keeps the rules in steps keeps them exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.bench.peers.windows import PairWindows, narrowed
from atmr_engine.formats.benchmark import SECONDS_PER_UNIT
from atmr_engine.plan import StopKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atmr_engine.formats.benchmark import Instance
    from atmr_engine.problem import Duty, Request, TimeWindow

STEPS_PER_UNIT = 1_000
STEPS_PER_SECOND = STEPS_PER_UNIT / SECONDS_PER_UNIT
FIXED_COST = 10_000 * STEPS_PER_UNIT
"""Of a vehicle where fewest vehicles come first."""
ROUNDING = 1e-6
"""Steps by which float64 may miss a whole number: 60 nanoseconds, far below the checker's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeRequest:
    """A request in steps; nodes are the instance's, places index the matrices."""

    pickup_node: int
    dropoff_node: int
    pickup_place: int
    dropoff_place: int
    load: int
    windows: PairWindows
    pickup_service: int
    dropoff_service: int
    longest_ride: int | None

    def narrowed(self, ways: NDArray[np.int64]) -> PairWindows:
        """Its windows for a solver without ride times."""
        way = int(ways[self.pickup_place, self.dropoff_place])
        return narrowed(self.windows, self.pickup_service, way, self.longest_ride)


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeProblem:
    """Identical vehicles, requests and square matrices in steps.

    `ways` are travel times, rounded up; `lengths` are what is minimised, rounded to the nearest.
    """

    ways: NDArray[np.int64]
    lengths: NDArray[np.int64]
    requests: tuple[WholeRequest, ...]
    vehicles: int
    capacity: int
    start_place: int
    end_place: int
    opens: int
    closes: int
    longest_route: int | None
    fixed_cost: int


def whole_numbers(instance: Instance) -> WholeProblem:
    """State an instance in steps.

    Raises:
        ValueError: where vehicles differ, or have no start and end: no benchmark here is so.

    """
    problem = instance.problem
    first = problem.duties[0]
    if any(_likeness(duty) != _likeness(first) for duty in problem.duties):
        raise ValueError("the vehicles differ: peers are stated for one kind of vehicle")
    if first.start_place is None or first.end_place is None:
        raise ValueError("the vehicles have no start or no end")
    closes = _down(first.shift.close_s)
    return WholeProblem(
        ways=np.ceil(problem.travel.time_s * STEPS_PER_SECOND - ROUNDING).astype(np.int64),
        lengths=np.rint(problem.travel.distance_km * STEPS_PER_UNIT).astype(np.int64),
        requests=tuple(_request(instance, request, closes) for request in problem.requests),
        vehicles=len(problem.duties),
        capacity=first.capacity.seats,
        start_place=first.start_place,
        end_place=first.end_place,
        opens=_up(first.shift.open_s),
        closes=closes,
        longest_route=_limit(first.max_duration_s),
        fixed_cost=FIXED_COST if problem.weights.duties_used > 0 else 0,
    )


def _likeness(duty: Duty) -> tuple[object, ...]:
    return (
        duty.capacity,
        duty.shift,
        duty.start_place,
        duty.end_place,
        duty.max_duration_s,
        duty.breaks,
        duty.committed,
    )


def _request(instance: Instance, request: Request, closes: int) -> WholeRequest:
    nodes = instance.nodes
    return WholeRequest(
        pickup_node=nodes[StopKind.PICKUP, request.id],
        dropoff_node=nodes[StopKind.DROPOFF, request.id],
        pickup_place=request.pickup.place,
        dropoff_place=request.dropoff.place,
        load=request.load.seats,
        windows=PairWindows(
            pickup_open=_up(request.pickup.window.open_s),
            pickup_close=_close(request.pickup.window, closes),
            dropoff_open=_up(request.dropoff.window.open_s),
            dropoff_close=_close(request.dropoff.window, closes),
        ),
        pickup_service=_up(request.pickup.service_s),
        dropoff_service=_up(request.dropoff.service_s),
        longest_ride=_limit(request.max_ride_s),
    )


def _close(window: TimeWindow, latest: int) -> int:
    return latest if math.isinf(window.close_s) else min(latest, _down(window.close_s))


def _limit(seconds: float) -> int | None:
    return None if math.isinf(seconds) else _down(seconds)


def _up(seconds: float) -> int:
    return math.ceil(seconds * STEPS_PER_SECOND - ROUNDING)


def _down(seconds: float) -> int:
    return math.floor(seconds * STEPS_PER_SECOND + ROUNDING)
