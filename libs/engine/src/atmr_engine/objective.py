"""What a plan costs: the one function that adds the weighted terms up.

Solver, checker, reports and API print these numbers; there is no second definition. `route_cost`
is what belongs to one route alone, so a search can price a change route by route.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from atmr_engine import route_terms
from atmr_engine.plan import StopKind
from atmr_engine.weights import Weights

if TYPE_CHECKING:
    from atmr_engine.plan import Plan, Route
    from atmr_engine.problem import Duty, Problem, Request

__all__ = [
    "SECONDS_PER_MINUTE",
    "Cost",
    "Weights",
    "driver_of",
    "evaluate",
    "fairness_h2",
    "route_cost",
]

SECONDS_PER_MINUTE = 60.0
MINUTES_PER_HOUR = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The terms of the objective, each in its own unit (requests, minutes, km, ...).

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
    fairness_h2: float = 0.0
    reassigned: int = 0
    promise_min: float = 0.0
    unfamiliar_drivers: int = 0
    tightness_min: float = 0.0
    unreserved: int = 0
    total: float = 0.0


def evaluate(problem: Problem, plan: Plan) -> Cost:
    """Cost of `plan` under `problem.weights`.

    A request counts as unserved when no route of the plan drops it off, and a reserve as unreserved
    when no route keeps it, whatever `plan.unserved` and `plan.unreserved` say. A route of an
    unknown duty or request is no matter of cost: the checker refuses it, here it raises KeyError.
    """
    costs = [route_cost(problem, route) for route in plan.routes]
    terms = {name: sum(getattr(cost, name) for cost in costs) for name in _TERMS}
    drivers = _driver_of_request(problem, plan)
    left_out = [request for request in problem.requests if request.id not in drivers]
    driven = {route.duty for route in plan.routes}
    terms["unserved"] = len(left_out)
    terms["unserved_priority"] = sum(request.priority for request in left_out)
    terms["driver_changes"] = sum(_changes_driver(r, drivers) for r in problem.requests)
    terms["fairness_h2"] += sum(fairness_h2(d, 0.0) for d in problem.duties if d.id not in driven)
    terms["unreserved"] = _unreserved(problem, plan)
    return _weighed(problem.weights, terms)


def route_cost(problem: Problem, route: Route) -> Cost:
    """The part of the cost that belongs to one route.

    `unserved`, `driver_changes` and `unreserved` are zero: they are the plan's. A duty without a
    route has no route cost but still `fairness_h2(duty, 0.0)`.
    """
    duty = problem.duties[problem.duty_index[route.duty]]
    used = any(stop.kind in route_terms.SERVICE for stop in route.stops)
    working_min = route_terms.working_s(route) / SECONDS_PER_MINUTE
    return _weighed(
        problem.weights,
        {
            "lateness_min": route_terms.lateness_s(problem, duty, route) / SECONDS_PER_MINUTE,
            "overtime_min": route_terms.overtime_s(duty, route) / SECONDS_PER_MINUTE,
            "detour_min": route_terms.detour_s(problem, route) / SECONDS_PER_MINUTE,
            "distance_km": route_terms.distance_km(problem, route),
            "waiting_min": route_terms.waiting_s(route) / SECONDS_PER_MINUTE,
            "working_min": working_min,
            "duties_used": int(used),
            "emergency_duties": int(used and duty.driver_kind == "emergency"),
            "fairness_h2": fairness_h2(duty, working_min),
            "reassigned": route_terms.reassigned(problem, duty, route),
            "promise_min": route_terms.promise_s(problem, route) / SECONDS_PER_MINUTE,
            "unfamiliar_drivers": route_terms.unfamiliar(problem, duty, route),
            "tightness_min": route_terms.tightness_s(problem, route) / SECONDS_PER_MINUTE,
        },
    )


def fairness_h2(duty: Duty, working_min: float) -> float:
    """Squared hours between the duty's week with `working_min` today and its fair share.

    0 for a duty outside fairness. Squared, so that a minute counts most on the duty that is
    farthest off, and so that one route's change alone decides how the sum changes.
    """
    if duty.fair_share_min is None:
        return 0.0
    beyond_h = (duty.worked_min + working_min - duty.fair_share_min) / MINUTES_PER_HOUR
    return beyond_h * beyond_h


_TERMS = tuple(item.name for item in fields(Weights))


def _weighed(weights: Weights, terms: dict[str, float]) -> Cost:
    total = sum(getattr(weights, name) * value for name, value in terms.items())
    return Cost(**terms, total=total)  # type: ignore[arg-type] # counts are ints among the floats


def _driver_of_request(problem: Problem, plan: Plan) -> dict[str, str]:
    """Who drops each served request off; a duty without a named driver is its own driver."""
    drivers: dict[str, str] = {}
    for route in plan.routes:
        duty = problem.duties[problem.duty_index[route.duty]]
        for stop, request in route_terms.served(problem, route):
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


def _unreserved(problem: Problem, plan: Plan) -> int:
    kept = {
        stop.reserve
        for route in plan.routes
        for stop in route.stops
        if stop.kind is StopKind.RESERVE
    }
    return sum(reserve.id not in kept for reserve in problem.reserves)
