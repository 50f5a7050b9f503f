"""Fair shares of the week's working minutes, taken from a plan that was made without them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from atmr_engine.problem import DriverKind
from atmr_engine.route_terms import working_s

if TYPE_CHECKING:
    from atmr_engine.plan import Plan
    from atmr_engine.problem import Problem

SECONDS_PER_MINUTE = 60.0


def working_minutes(problem: Problem, plan: Plan) -> dict[str, float]:
    """Minutes from departure to return of each duty today; 0 for one that stays at home."""
    driven = {route.duty: working_s(route) / SECONDS_PER_MINUTE for route in plan.routes}
    return {duty.id: driven.get(duty.id, 0.0) for duty in problem.duties}


def fair_shares(problem: Problem, plan: Plan) -> dict[str, float]:
    """Minutes that each regular duty's week should come to with today's, by duty.

    The mean over the regular duties of the minutes worked before today and those of today in
    `plan`, a plan made without regard to fairness: the work that there is, spread evenly.
    Emergency drivers have no share.
    """
    today = working_minutes(problem, plan)
    regular = [duty for duty in problem.duties if duty.driver_kind is DriverKind.REGULAR]
    if not regular:
        return {}
    mean = sum(duty.worked_min + today[duty.id] for duty in regular) / len(regular)
    return {duty.id: mean for duty in regular}


def with_fairness(problem: Problem, plan: Plan, weight: float) -> Problem:
    """The problem with the fair shares of `plan`, weighed by `weight` per squared hour.

    Raises:
        ValueError: for a weight that is negative or not finite.

    """
    shares = fair_shares(problem, plan)
    duties = tuple(replace(duty, fair_share_min=shares.get(duty.id)) for duty in problem.duties)
    return replace(problem, duties=duties, weights=replace(problem.weights, fairness_h2=weight))
