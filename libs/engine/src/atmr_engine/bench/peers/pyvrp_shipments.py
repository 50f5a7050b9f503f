"""PyVRP with its shipments; it has no ride times, so windows are narrowed."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pyvrp

from atmr_engine.bench.peers.peer import Found
from atmr_engine.bench.peers.whole_numbers import STEPS_PER_UNIT, whole_numbers

if TYPE_CHECKING:
    from atmr_engine.bench.peers.peer import Search
    from atmr_engine.bench.peers.whole_numbers import WholeProblem, WholeRequest
    from atmr_engine.formats.benchmark import Instance


class PyVrp:
    """Iterated local search as it comes; Li and Lim by a fixed cost of vehicles.

    Loads are multiplied like times, because its penalties are per unit and bounded: one seat too
    many would otherwise cost next to nothing.
    """

    def state(self, instance: Instance) -> Search:
        """Build the data."""
        problem = whole_numbers(instance)
        return partial(_search, problem, _data(problem))


def _data(problem: WholeProblem) -> Any:
    count = len(problem.ways)
    limits = {} if problem.longest_route is None else {"shift_duration": problem.longest_route}
    return pyvrp.ProblemData(
        locations=[pyvrp.Location(x=0, y=0) for _ in range(count)],
        clients=[],
        depots=[pyvrp.Depot(problem.start_place), pyvrp.Depot(problem.end_place)],
        vehicle_types=[
            pyvrp.VehicleType(
                num_available=problem.vehicles,
                capacity=[problem.capacity * STEPS_PER_UNIT],
                start_depot=0,
                end_depot=1,
                fixed_cost=problem.fixed_cost,
                tw_early=problem.opens,
                tw_late=problem.closes,
                **limits,
            )
        ],
        distance_matrices=[problem.lengths],
        duration_matrices=[problem.ways],
        shipments=[_shipment(request, problem) for request in problem.requests],
    )


def _shipment(request: WholeRequest, problem: WholeProblem) -> Any:
    windows = request.narrowed(problem.ways)
    return pyvrp.Shipment(
        pickup_location=request.pickup_place,
        delivery_location=request.dropoff_place,
        pickup_tw_early=windows.pickup_open,
        pickup_tw_late=windows.pickup_close,
        pickup_service_duration=request.pickup_service,
        delivery_tw_early=windows.dropoff_open,
        delivery_tw_late=windows.dropoff_close,
        delivery_service_duration=request.dropoff_service,
        amount=[request.load * STEPS_PER_UNIT],
    )


def _search(problem: WholeProblem, data: Any, seconds: float, seed: int) -> Found:
    """One search; the plan may break rules, as PyVRP's best one does until it finds a valid one."""
    deadline = time.perf_counter() + seconds

    def is_over(_best_cost: float) -> bool:
        return time.perf_counter() >= deadline

    # its own limit of time begins to count after the first descent
    result = pyvrp.solve(data, stop=is_over, seed=seed, collect_stats=False, display=False)
    return Found(routes=[_nodes(problem, route) for route in result.best.routes()])


def _nodes(problem: WholeProblem, route: Any) -> list[int]:
    nodes = []
    for activity in route:
        if activity.is_pickup():
            nodes.append(problem.requests[activity.idx].pickup_node)
        elif activity.is_delivery():
            nodes.append(problem.requests[activity.idx].dropoff_node)
    return nodes
