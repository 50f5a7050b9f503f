"""A problem and a plan of it, compiled once and kept: what every question about a plan starts from.

Each duty's route and cost are made once per version of the route.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from atmr_engine.beginning import begin, resume
from atmr_engine.checker import check
from atmr_engine.compilation import compile_problem
from atmr_engine.difference import services
from atmr_engine.journal import commit, rollback
from atmr_engine.objective import Cost, evaluate, fairness_h2, route_cost
from atmr_engine.online.growth import bar_reserve, with_requests, with_reserve, write_request
from atmr_engine.online.reserved import routes_with_reserves, without_reserves
from atmr_engine.plan import Plan, PlannedStop, Route, StopKind, Unserved
from atmr_engine.rules import Rule
from atmr_engine.state import BANKED
from atmr_engine.timetable import timetable
from atmr_engine.unserved import explain_unserved
from atmr_engine.validation import validate_addition

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from atmr_engine.arrays import Arrays
    from atmr_engine.problem import Problem, Request
    from atmr_engine.rules import Violation
    from atmr_engine.state import State

EVEN_S = 1e-3
"""Seconds by which a pause in a plan may differ from the duty's, by rounding."""
RESERVE = 64
"""Bookings that may arrive before everything is compiled anew."""


class HeldPlan:
    """A problem and a plan of it, ready to be asked.

    `lost` are requests that the plan served and that could not be taken over, because the plan
    breaks a rule of this problem: they are unserved here. `keeps_times` says whether the plan's own
    times were taken over: they are where it breaks no rule, else each duty's times are the earliest
    of its stops. `arrays` and `state` are the compiled form; who changes them commits or rolls
    back. `compiled_times` counts how often all was compiled, so that versions of different states
    are never taken for each other.
    """

    problem: Problem
    arrays: Arrays
    state: State
    lost: tuple[str, ...] = ()
    keeps_times: bool

    def __init__(self, problem: Problem, plan: Plan | None = None, reserve: int = RESERVE) -> None:
        self._reserve = max(1, reserve)
        self.compiled_times = 0
        self._compile(problem, plan)

    def _compile(self, problem: Problem, plan: Plan | None) -> None:
        count = len(problem.requests)
        self.problem = problem
        plan = plan if plan is None else without_reserves(problem, plan)
        self.compiled_times += 1
        self._roomy = with_reserve(problem, self._reserve if len(problem.travel.time_s) else 0)
        self.arrays = compile_problem(self._roomy)
        bar_reserve(self.arrays, count)
        self.state = begin(self._roomy, self.arrays)
        if plan is not None:
            resume(self._roomy, self.arrays, self.state, plan)
        self._set_bank([r for r in range(count) if self.state.route_of[r] < 0])
        self._held: dict[int, tuple[int, Route | None, Cost]] = {}
        served = services(plan.routes) if plan is not None else {}
        known = [request for request in served if request in problem.request_index]
        self.lost = (*self.lost, *(r for r in known if not self.is_served(r)))
        self.keeps_times = plan is None or self._keep_times(plan)

    def _keep_times(self, plan: Plan) -> bool:
        """Take over the plan's own times where it keeps every rule and was taken over whole."""
        routes = {self.problem.duty_index.get(route.duty, -1): route for route in plan.routes}
        served = services(plan.routes)
        left_out = (r.id for r in self.problem.requests if r.id not in served)
        unserved = (Unserved(request=r, rule=Rule.COVERAGE, reason="") for r in left_out)
        if check(self.problem, replace(plan, unserved=tuple(unserved))):
            return False
        times = {duty: self._times_of(duty, route) for duty, route in routes.items()}
        if any(found is None for duty, found in times.items() if routes[duty].requests):
            return False
        half = len(self.state.begin_s) // 2
        for duty, found in times.items():
            for node, begin_s, rest_s in found or ():
                self.state.begin_s[node], self.state.begin_s[half + node] = begin_s, rest_s
            if routes[duty].requests:
                cost = self.route_and_cost(duty)[1].total
                served = self.arrays.serve_cost[self.state.route_of == duty, duty].sum()
                self.state.cost[duty] = cost - served  # what pairs cost is the plan's
        commit(self.state)
        return True

    def _times_of(self, duty: int, route: Route) -> list[tuple[int, float, float]] | None:
        """When the route begins each node of the duty, and rests behind it; None if it has others.

        A break that is not the duty's next one is a rest.
        """
        requests, visits = self._roomy.requests, 2 * len(self._roomy.requests)
        nodes = [int(node) for node in self.state.routes[duty, : self.state.length[duty]]]
        found: list[tuple[int, float, float]] = []
        for stop in route.stops[1:-1]:
            node = nodes[len(found)] if len(found) < len(nodes) else -1
            pause = node >= visits and stop.kind is StopKind.BREAK
            if pause and self._lasts(node, stop):
                found.append((node, stop.begin_s, 0.0))
            elif stop.kind is StopKind.BREAK and found:
                before = found.pop()
                found.append((before[0], before[1], stop.end_s - stop.begin_s))
            elif 0 <= node < visits and requests[node >> 1].id == stop.request:
                found.append((node, stop.begin_s, 0.0))
            else:
                return None
        return found if len(found) == len(nodes) else None

    def _lasts(self, node: int, stop: PlannedStop) -> bool:
        """Whether a stop is as long as a pause."""
        return (
            abs(float(self.arrays.nodes["service_s"][node]) - (stop.end_s - stop.begin_s)) < EVEN_S
        )

    def _set_bank(self, requests: list[int]) -> None:
        self.state.bank[: len(requests)] = requests
        self.state.counters[BANKED] = len(requests)
        commit(self.state)

    @contextmanager
    def tentative(self) -> Iterator[None]:
        """Undo, at the end, all that is done to the state; offers that were made stay valid."""
        state = self.state
        commit(state)
        versions = state.version.copy(), state.request_version.copy()
        try:
            yield
        finally:
            rollback(self.arrays, state)
            state.version[:], state.request_version[:] = versions

    def index(self, request_id: str) -> int:
        """The position of a request.

        Raises:
            KeyError: for a request that the problem does not know.

        """
        return self.problem.request_index[request_id]

    def is_served(self, request_id: str) -> bool:
        """Whether some duty serves it."""
        return bool(self.state.route_of[self.index(request_id)] >= 0)

    def duty_of(self, request_id: str) -> str | None:
        """The duty that serves a request."""
        duty = int(self.state.route_of[self.index(request_id)])
        return None if duty < 0 else self.problem.duties[duty].id

    def route(self, duty: int) -> Route | None:
        """The duty's route with its timetable; None where it drives nothing."""
        return self.route_and_cost(duty)[0]

    def route_and_cost(self, duty: int) -> tuple[Route | None, Cost]:
        """The duty's route and the cost that belongs to it alone."""
        version = int(self.state.version[duty])
        held = self._held.get(duty)
        if held is None or held[0] != version:
            nodes = self.state.routes[duty, : self.state.length[duty]]
            route = self.timed_route(duty, nodes, self.state)
            cost = self._idle(duty) if route is None else route_cost(self.problem, route)
            held = self._held[duty] = (version, route, cost)
        return held[1:]

    def _idle(self, duty: int) -> Cost:
        """What a duty costs that drives nothing."""
        spread = fairness_h2(self.problem.duties[duty], 0.0)
        return Cost(fairness_h2=spread, total=self.problem.weights.fairness_h2 * spread)

    def timed_route(self, index: int, nodes: NDArray[np.int64], state: State) -> Route | None:
        """A duty's route through `nodes` at the times of `state`; None where it drives nothing."""
        duty, visits = self.problem.duties[index], 2 * len(self._roomy.requests)
        stops = [int(node) for node in nodes]
        if not duty.committed and all(node >= visits for node in stops):
            return None
        stops_planned = tuple(timetable(self._roomy, self.arrays, state, index, stops))
        return Route(duty=duty.id, stops=stops_planned)

    def routes(self) -> tuple[Route, ...]:
        """The routes of all duties that drive anything, in the order of `problem.duties`."""
        held = (self.route(duty) for duty in range(len(self.problem.duties)))
        return tuple(route for route in held if route is not None)

    def plan(self) -> Plan:
        """The plan as it stands, with the reason why each unserved request is so.

        Reserves are placed behind all requests now, each where it costs least.
        """
        unserved = explain_unserved(self._roomy, self.arrays, self.state)
        plan = Plan(routes=self.routes(), unserved=unserved, source="desk")
        if not self.problem.reserves:
            return plan
        routes, unreserved = routes_with_reserves(self._roomy, self.arrays, self.state)
        return replace(plan, routes=routes, unreserved=unreserved)

    def check(self) -> list[Violation]:
        """What the independent checker says of the plan; an empty list is a valid one."""
        return check(self.problem, self.plan())

    def cost(self) -> Cost:
        """The cost of the plan as it stands, before any reserve is placed."""
        return evaluate(self.problem, Plan(routes=self.routes()))

    def add(self, request: Request) -> None:
        """Take up a booking that arrived, unserved at first; its places are in the matrices.

        Cheap while reserved rows are left; after `reserve` bookings all is compiled anew.

        Raises:
            ProblemError: naming what is wrong with the request.

        """
        validate_addition(self.problem, request)
        count = len(self.problem.requests)
        grown = with_requests(self.problem, (*self.problem.requests, request))
        if count == len(self._roomy.requests):
            self._compile(grown, Plan(routes=self.routes()))
            return
        reserve = self._roomy.requests[count + 1 :]
        self._roomy = with_requests(self._roomy, (*grown.requests, *reserve))
        self.problem = grown
        self.arrays = write_request(self.arrays, self.state, self._roomy, count)
        unserved = [int(r) for r in self.state.bank[: self.state.counters[BANKED]]]
        self._set_bank([*unserved, count])
