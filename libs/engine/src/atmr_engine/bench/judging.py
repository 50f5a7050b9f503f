"""What a peer's routes are worth: the independent checker says whether they count at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from atmr_engine.checker import check, feasible_times
from atmr_engine.formats.bare_route import earliest_route
from atmr_engine.objective import evaluate
from atmr_engine.plan import Plan, Route, StopKind, Unserved
from atmr_engine.rules import Rule, Violation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atmr_engine.formats.bare_route import VisitSequence
    from atmr_engine.formats.benchmark import Instance
    from atmr_engine.problem import Problem

Routes = list[list[int]]
"""The instance's node numbers in order of visit, a list for each vehicle that drives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """`distance` in the instance's units and `vehicles` are None where a rule is broken."""

    violations: tuple[Violation, ...]
    unserved: int
    vehicles: int | None = None
    distance: float | None = None


def judge(instance: Instance, routes: Sequence[Sequence[int]]) -> Judgement:
    """Judge routes by the best timetable that they have; the k-th goes to the k-th duty.

    A request without any node counts as left out. Routes without a feasible timetable are judged
    by their earliest one, so that the checker can name what they break.
    """
    strangers = [node for nodes in routes for node in nodes if node not in instance.visits]
    if strangers:
        return Judgement(violations=tuple(_stranger(node) for node in strangers), unserved=0)
    problem = instance.problem
    sequences = [[instance.visits[node] for node in nodes] for nodes in routes if nodes]
    named = {request for sequence in sequences for _, request in sequence}
    left_out = [request.id for request in problem.requests if request.id not in named]
    plan = Plan(
        routes=tuple(_route(problem, k, sequence) for k, sequence in enumerate(sequences)),
        unserved=tuple(_unserved(request) for request in left_out),
    )
    if violations := check(problem, plan):
        return Judgement(violations=tuple(violations), unserved=len(left_out))
    cost = evaluate(problem, plan)
    return Judgement(
        violations=(),
        unserved=len(left_out),
        vehicles=cost.duties_used,
        distance=cost.distance_km,
    )


def node_routes(instance: Instance, plan: Plan) -> Routes:
    """The bare routes of a plan, breaks and times left out."""
    nodes = instance.nodes
    return [
        [nodes[stop.kind, stop.request] for stop in route.stops if stop.request is not None]
        for route in plan.routes
        if any(stop.kind is StopKind.PICKUP for stop in route.stops)
    ]


def _route(problem: Problem, number: int, sequence: VisitSequence) -> Route:
    duties = problem.duties
    duty = duties[min(number, len(duties) - 1)]
    timed = feasible_times(problem, duty, [*sequence]) or earliest_route(problem, duty, sequence)
    name = duty.id if number < len(duties) else f"vehicle {number + 1} of {len(duties)}"
    return Route(duty=name, stops=timed.stops)


def _unserved(request: str) -> Unserved:
    return Unserved(request=request, rule=Rule.COVERAGE, reason="left out")


def _stranger(node: int) -> Violation:
    return Violation(
        rule=Rule.COVERAGE,
        subject=str(node),
        duty=None,
        excess=1.0,
        message="the instance has no such node",
    )
