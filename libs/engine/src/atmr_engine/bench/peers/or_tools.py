"""OR-Tools' routing library, the one free peer that states maximum ride times exactly.

Two set-ups: the usual one, and the best of nine tried (research of 2026-11): insertion
neighbourhoods and simulated annealing.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2
from ortools.util import optional_boolean_pb2

from atmr_engine.bench.peers.peer import Found
from atmr_engine.bench.peers.whole_numbers import STEPS_PER_UNIT, whole_numbers

if TYPE_CHECKING:
    from atmr_engine.bench.peers.peer import Search
    from atmr_engine.bench.peers.whole_numbers import WholeProblem, WholeRequest
    from atmr_engine.formats.benchmark import Instance

DROP_PENALTY = 1_000_000 * STEPS_PER_UNIT
"""For each end of a request left out: a hundred vehicles of Li and Lim."""
NEIGHBOURHOODS = (
    "use_global_cheapest_insertion_path_lns",
    "use_local_cheapest_insertion_path_lns",
    "use_global_cheapest_insertion_expensive_chain_lns",
    "use_local_cheapest_insertion_expensive_chain_lns",
    "use_global_cheapest_insertion_close_nodes_lns",
    "use_local_cheapest_insertion_close_nodes_lns",
)


class Default:
    """Parallel cheapest insertion, then guided local search."""

    def state(self, instance: Instance) -> Search:
        """Build the model."""
        problem = whole_numbers(instance)
        return partial(_search, _Model(problem), problem, self.parameters())

    def parameters(self) -> Any:
        """How it searches, but for how long."""
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        first = routing_enums_pb2.FirstSolutionStrategy
        then = routing_enums_pb2.LocalSearchMetaheuristic
        parameters.first_solution_strategy = first.PARALLEL_CHEAPEST_INSERTION
        parameters.local_search_metaheuristic = then.GUIDED_LOCAL_SEARCH
        return parameters


class Tuned(Default):
    """With six insertion neighbourhoods and simulated annealing."""

    def parameters(self) -> Any:
        """The usual ones, changed."""
        parameters = super().parameters()
        then = routing_enums_pb2.LocalSearchMetaheuristic
        parameters.local_search_metaheuristic = then.SIMULATED_ANNEALING
        for name in NEIGHBOURHOODS:
            setattr(parameters.local_search_operators, name, optional_boolean_pb2.BOOL_TRUE)
        return parameters


class _Model:
    """The routing model: start and end, then pickup and drop-off of each request."""

    def __init__(self, problem: WholeProblem) -> None:
        places = [problem.start_place, problem.end_place]
        service, loads = [0, 0], [0, 0]
        for request in problem.requests:
            places += [request.pickup_place, request.dropoff_place]
            service += [request.pickup_service, request.dropoff_service]
            loads += [request.load, -request.load]
        square = np.ix_(places, places)
        starts, ends = [0] * problem.vehicles, [1] * problem.vehicles
        self.manager = pywrapcp.RoutingIndexManager(len(places), problem.vehicles, starts, ends)
        self.routing = pywrapcp.RoutingModel(self.manager)
        self.problem = problem
        spent = problem.ways[square] + np.array(service)[:, None]
        self._costs(problem.lengths[square])
        self._capacity(loads)
        self.time = self._time(spent)
        for number, request in enumerate(problem.requests):
            self._pair(number, request)

    def _costs(self, lengths: Any) -> None:
        arcs = self.routing.RegisterTransitMatrix(lengths.tolist())
        self.routing.SetArcCostEvaluatorOfAllVehicles(arcs)
        self.routing.SetFixedCostOfAllVehicles(self.problem.fixed_cost)

    def _capacity(self, loads: list[int]) -> None:
        load = self.routing.RegisterUnaryTransitVector(loads)
        self.routing.AddDimension(load, 0, self.problem.capacity, True, "load")

    def _time(self, spent: Any) -> Any:
        problem = self.problem
        transit = self.routing.RegisterTransitMatrix(spent.tolist())
        self.routing.AddDimension(transit, problem.closes, problem.closes, False, "time")
        time = self.routing.GetDimensionOrDie("time")
        for vehicle in range(problem.vehicles):
            for end in (self.routing.Start(vehicle), self.routing.End(vehicle)):
                time.CumulVar(end).SetRange(problem.opens, problem.closes)
            if problem.longest_route is not None:
                time.SetSpanUpperBoundForVehicle(problem.longest_route, vehicle)
        return time

    def _pair(self, number: int, request: WholeRequest) -> None:
        routing, solver, windows = self.routing, self.routing.solver(), request.windows
        pickup = self.manager.NodeToIndex(2 + 2 * number)
        dropoff = self.manager.NodeToIndex(3 + 2 * number)
        begins, ends = self.time.CumulVar(pickup), self.time.CumulVar(dropoff)
        begins.SetRange(windows.pickup_open, windows.pickup_close)
        ends.SetRange(windows.dropoff_open, windows.dropoff_close)
        routing.AddPickupAndDelivery(pickup, dropoff)
        solver.Add(routing.VehicleVar(pickup) == routing.VehicleVar(dropoff))
        solver.Add(begins <= ends)
        if request.longest_ride is not None:
            longest = request.pickup_service + request.longest_ride
            solver.Add(ends - begins <= longest)
            self.time.SetPickupToDeliveryLimitFunctionForPair(
                lambda _pickup, _dropoff: longest, number
            )
        for end in (pickup, dropoff):
            routing.AddDisjunction([end], DROP_PENALTY)

    def node(self, index: int) -> int:
        """The instance's node of a position in the model."""
        number, is_dropoff = divmod(int(self.manager.IndexToNode(index)) - 2, 2)
        request = self.problem.requests[number]
        return request.dropoff_node if is_dropoff else request.pickup_node


def _search(
    model: _Model, problem: WholeProblem, parameters: Any, seconds: float, seed: int
) -> Found:
    """One search; without any plan in time all requests are left out."""
    model.routing.solver().ReSeed(seed)
    parameters.time_limit.FromTimedelta(timedelta(seconds=seconds))
    solution = model.routing.SolveWithParameters(parameters)
    if solution is None:
        return Found(routes=[])
    routes = []
    for vehicle in range(problem.vehicles):
        nodes = []
        index = solution.Value(model.routing.NextVar(model.routing.Start(vehicle)))
        while not model.routing.IsEnd(index):
            nodes.append(model.node(index))
            index = solution.Value(model.routing.NextVar(index))
        routes.append(nodes)
    return Found(routes=[nodes for nodes in routes if nodes])
