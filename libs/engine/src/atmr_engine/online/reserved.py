"""The reserves of a held plan: placed behind all requests, anew each time the plan is asked for.

So a booking never gives way to a reserve, and an offer says what the requests cost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from atmr_engine.plan import StopKind
from atmr_engine.reserving import keep_reserves
from atmr_engine.state import State
from atmr_engine.timetable import routes_of

if TYPE_CHECKING:
    from atmr_engine.arrays import Arrays
    from atmr_engine.plan import Plan, Route
    from atmr_engine.problem import Problem

STANDING = frozenset({StopKind.START, StopKind.BREAK, StopKind.RESERVE, StopKind.END})


def routes_with_reserves(
    problem: Problem, arrays: Arrays, state: State
) -> tuple[tuple[Route, ...], tuple[str, ...]]:
    """The routes with each reserve where it costs least, and the ids of those not kept."""
    own = State._make(part.copy() for part in state)
    unreserved = keep_reserves(problem, arrays, own)
    return routes_of(problem, arrays, own), unreserved


def without_reserves(problem: Problem, plan: Plan) -> Plan:
    """The plan with every reserve named as not kept, and without the routes that kept no more."""
    committed = {duty.id for duty in problem.duties if duty.committed}
    routes = tuple(
        replace(route, stops=tuple(s for s in route.stops if s.kind is not StopKind.RESERVE))
        for route in plan.routes
        if route.duty in committed or any(stop.kind not in STANDING for stop in route.stops)
    )
    return replace(plan, routes=routes, unreserved=tuple(r.id for r in problem.reserves))
