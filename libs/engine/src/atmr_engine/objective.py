"""What a plan costs: the weights, each with a unit, and the one function that adds the terms up.

Solver, checker, reports and API print these numbers; there is no second definition. Every term but
`driver_changes` belongs to one route alone, so a search can price a change route by route.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING

from atmr_engine.plan import StopKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from atmr_engine.plan import Plan, PlannedStop, Route
    from atmr_engine.problem import Duty, Problem, Request

SECONDS_PER_MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What a unit of each term is worth, in equivalent minutes of an operational day.

    Each field weighs the field of the same name in `Cost`. For a benchmark the currency is the
    instance's own unit of distance instead.

    Raises:
        ValueError: naming the weight that is negative or not finite.

    """

    unserved: float = 10_000.0
    """Per request left unserved: more than any detour of a day, so serving always pays."""
    unserved_priority: float = 1_000.0
    """Per step of priority of an unserved request: the less urgent one is left out first."""
    lateness_min: float = 10.0
    """Per minute that service begins after its window closed (only a waiver allows any)."""
    overtime_min: float = 5.0
    """Per minute that a duty returns after its shift's end (only a waiver allows any)."""
    detour_min: float = 0.5
    """Per minute that a patient rides beyond the direct way."""
    distance_km: float = 1.0
    """Per kilometre driven, loaded or empty."""
    waiting_min: float = 0.1
    """Per minute that a vehicle stands at a stop before service or a break begins there."""
    working_min: float = 0.5
    """Per minute between a duty's departure and its return."""
    duties_used: float = 0.0
    """Per duty that serves anybody; a positive one empties vehicles."""
    emergency_duties: float = 120.0
    """Per duty of an emergency driver that serves anybody: regular drivers go first."""
    driver_changes: float = 10.0
    """Per linked leg that prefers the driver of the leg before it and gets another."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not 0.0 <= value < float("inf"):
                raise ValueError(f"weights.{item.name} must be finite and not negative: {value}")

    @classmethod
    def distance_only(cls) -> Weights:
        """Distance alone, once all are served: the objective of Cordeau's instances."""
        return cls(
            unserved=100_000.0,
            unserved_priority=0.0,
            lateness_min=0.0,
            overtime_min=0.0,
            detour_min=0.0,
            distance_km=1.0,
            waiting_min=0.0,
            working_min=0.0,
            duties_used=0.0,
            emergency_duties=0.0,
            driver_changes=0.0,
        )

    @classmethod
    def vehicles_first(cls) -> Weights:
        """Fewest vehicles, then distance, once all are served: the objective of Li and Lim."""
        distance = {item.name: getattr(cls.distance_only(), item.name) for item in fields(cls)}
        return cls(**{**distance, "unserved": 10_000_000.0, "duties_used": 100_000.0})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The terms of the objective, each in its own unit (requests, steps, minutes, km, duties).

    `total` is their weighted sum and follows from the other fields.
    """

    unserved: int = 0
    unserved_priority: int = 0
    lateness_min: float = 0.0
    overtime_min: float = 0.0
    detour_min: float = 0.0
    distance_km: float = 0.0
    waiting_min: float = 0.0
    working_min: float = 0.0
    duties_used: int = 0
    emergency_duties: int = 0
    driver_changes: int = 0
    total: float = 0.0


def evaluate(problem: Problem, plan: Plan) -> Cost:
    """Cost of `plan` under `problem.weights`.

    A request counts as unserved when no route of the plan drops it off, whatever
    `plan.unserved` says. A route of an unknown duty or request is no matter of cost: the checker
    refuses it, here it raises KeyError.
    """
    costs = [route_cost(problem, route) for route in plan.routes]
    drivers = _driver_of_request(problem, plan)
    left_out = [request for request in problem.requests if request.id not in drivers]
    terms = {name: sum(getattr(cost, name) for cost in costs) for name in _TERMS}
    terms["unserved"] = len(left_out)
    terms["unserved_priority"] = sum(request.priority for request in left_out)
    terms["driver_changes"] = sum(_changes_driver(r, drivers) for r in problem.requests)
    return _weighed(problem.weights, terms)


def route_cost(problem: Problem, route: Route) -> Cost:
    """The part of the cost that belongs to one route (`unserved`, `driver_changes` are zero)."""
    duty = problem.duties[problem.duty_index[route.duty]]
    used = any(stop.kind in _SERVICE for stop in route.stops)
    return _weighed(
        problem.weights,
        {
            "lateness_min": _lateness_s(problem, route) / SECONDS_PER_MINUTE,
            "overtime_min": _overtime_s(duty, route) / SECONDS_PER_MINUTE,
            "detour_min": _detour_s(problem, route) / SECONDS_PER_MINUTE,
            "distance_km": _distance_km(problem, route),
            "waiting_min": _waiting_s(route) / SECONDS_PER_MINUTE,
            "working_min": _working_s(route) / SECONDS_PER_MINUTE,
            "duties_used": int(used),
            "emergency_duties": int(used and duty.driver_kind == "emergency"),
        },
    )


_TERMS = tuple(item.name for item in fields(Weights))
_SERVICE = frozenset({StopKind.PICKUP, StopKind.DROPOFF})


def _weighed(weights: Weights, terms: dict[str, float]) -> Cost:
    total = sum(getattr(weights, name) * value for name, value in terms.items())
    return Cost(**terms, total=total)  # type: ignore[arg-type] # counts are ints among the floats


def _served(problem: Problem, route: Route) -> Iterable[tuple[PlannedStop, Request]]:
    for stop in route.stops:
        if stop.kind in _SERVICE and stop.request is not None:
            yield stop, problem.requests[problem.request_index[stop.request]]


def _lateness_s(problem: Problem, route: Route) -> float:
    late = 0.0
    for stop, request in _served(problem, route):
        visit = request.pickup if stop.kind is StopKind.PICKUP else request.dropoff
        late += max(0.0, stop.begin_s - visit.window.close_s)
    return late


def _overtime_s(duty: Duty, route: Route) -> float:
    return max(0.0, route.stops[-1].end_s - duty.shift.close_s) if route.stops else 0.0


def _detour_s(problem: Problem, route: Route) -> float:
    """Ride time (end of pickup service to begin of drop-off service) beyond the direct way."""
    boarded: dict[str, float] = {}
    beyond = 0.0
    for stop, request in _served(problem, route):
        if stop.kind is StopKind.PICKUP:
            boarded[request.id] = stop.begin_s + request.pickup.service_s
        elif request.id in boarded:
            direct = problem.travel.time_s[request.pickup.place, request.dropoff.place]
            beyond += max(0.0, stop.begin_s - boarded[request.id] - float(direct))
    return beyond


def _distance_km(problem: Problem, route: Route) -> float:
    places = [stop.place for stop in route.stops if stop.place is not None]
    distance = problem.travel.distance_km
    return float(sum(distance[a, b] for a, b in pairwise(places)))


def _waiting_s(route: Route) -> float:
    return sum(max(0.0, stop.begin_s - stop.arrival_s) for stop in route.stops)


def _working_s(route: Route) -> float:
    return route.stops[-1].end_s - route.stops[0].end_s if route.stops else 0.0


def _driver_of_request(problem: Problem, plan: Plan) -> dict[str, str]:
    """Who drops each served request off; a duty without a named driver is its own driver."""
    drivers: dict[str, str] = {}
    for route in plan.routes:
        duty = problem.duties[problem.duty_index[route.duty]]
        for stop, request in _served(problem, route):
            if stop.kind is StopKind.DROPOFF:
                drivers[request.id] = driver_of(duty)
    return drivers


def driver_of(duty: Duty) -> str:
    """Who drives: the driver's name, or the duty itself where none is named."""
    return duty.driver or f"duty {duty.id}"


def _changes_driver(request: Request, drivers: dict[str, str]) -> bool:
    link = request.link
    if link is None or link.same_driver != "prefer":
        return False
    both_served = request.id in drivers and link.after in drivers
    return both_served and drivers[request.id] != drivers[link.after]
