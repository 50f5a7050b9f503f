"""VROOM with its shipments; no ride times, so windows are narrowed, and no maximum duration.

It stops by itself when it has done what its exploration level says, and may overrun a limit.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import vroom

from atmr_engine.bench.peers.peer import Found
from atmr_engine.bench.peers.whole_numbers import whole_numbers

if TYPE_CHECKING:
    from atmr_engine.bench.peers.peer import Search
    from atmr_engine.bench.peers.whole_numbers import WholeProblem, WholeRequest
    from atmr_engine.formats.benchmark import Instance

EXPLORATION_LEVEL = 5
"""The highest."""
PROFILE = "car"


class Vroom:
    """The deepest exploration, one thread; a job's id is its node."""

    def state(self, instance: Instance) -> Search:
        """Build the input."""
        problem = whole_numbers(instance)
        stated = vroom.Input()
        stated.set_durations_matrix(PROFILE, problem.ways)
        stated.set_costs_matrix(PROFILE, problem.lengths)
        stated.add_vehicle([_vehicle(problem, number) for number in range(problem.vehicles)])
        for request in problem.requests:
            _add(stated, request, problem)
        return partial(_search, stated)


def _vehicle(problem: WholeProblem, number: int) -> Any:
    return vroom.Vehicle(
        number,
        start=problem.start_place,
        end=problem.end_place,
        profile=PROFILE,
        capacity=[problem.capacity],
        time_window=vroom.TimeWindow(problem.opens, problem.closes),
        costs=vroom.VehicleCosts(fixed=problem.fixed_cost),
        # driving alone is a part of the duration, so this much it may be told
        max_travel_time=problem.longest_route,
    )


def _add(stated: Any, request: WholeRequest, problem: WholeProblem) -> None:
    windows = request.narrowed(problem.ways)
    pickup = vroom.ShipmentStep(
        request.pickup_node,
        location=request.pickup_place,
        default_service=request.pickup_service,
        time_windows=[vroom.TimeWindow(windows.pickup_open, windows.pickup_close)],
    )
    dropoff = vroom.ShipmentStep(
        request.dropoff_node,
        location=request.dropoff_place,
        default_service=request.dropoff_service,
        time_windows=[vroom.TimeWindow(windows.dropoff_open, windows.dropoff_close)],
    )
    stated.add_shipment(pickup, dropoff, amount=vroom.Amount([request.load]))


def _search(stated: Any, seconds: float, seed: int) -> Found:  # noqa: ARG001 (it takes no seed)
    solution = stated.solve(
        exploration_level=EXPLORATION_LEVEL, nb_threads=1, timeout=timedelta(seconds=seconds)
    )
    routes: dict[int, list[int]] = {}
    for step in solution.routes.itertuples():
        if step.type in {"pickup", "delivery"}:
            routes.setdefault(int(step.vehicle_id), []).append(int(step.id))
    return Found(routes=list(routes.values()))
