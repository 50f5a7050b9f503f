"""A day through travel times, engine and checker, without a server or a database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from atmr_common.travel.port import Coordinate
from atmr_engine.checker import check
from atmr_engine.kpi import Kpis, measure
from atmr_engine.objective import Cost, evaluate
from atmr_engine.problem import Travel
from atmr_engine.solver import Progress, solve

if TYPE_CHECKING:
    from collections.abc import Callable

    from atmr_common.travel.port import TravelTimes
    from atmr_engine.budget import Budget
    from atmr_engine.formats.day import Day, DayDescription, DayRules, Held
    from atmr_engine.plan import Plan
    from atmr_engine.problem import Problem
    from atmr_engine.rules import Violation


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDay:
    """A plan with all that people and programs ask about it.

    `travel_degraded` says why a better source of travel times did not answer, or is None.
    """

    day: Day
    problem: Problem
    plan: Plan
    cost: Cost
    kpis: Kpis
    violations: tuple[Violation, ...]
    travel_source: str
    travel_degraded: str | None

    @property
    def description(self) -> DayDescription:
        """The routes in words."""
        return self.day.describe(self.plan)

    @property
    def held(self) -> list[Held]:
        """Bookings that took no part."""
        return self.day.held()

    def as_json(self) -> dict[str, Any]:
        """Plain values for a program; `seconds` is the only one that differs between replays."""
        description = self.description
        return {
            "date": self.day.date.isoformat(),
            "zone": str(self.day.zone),
            "synthetic": self.day.synthetic,
            "cost": self.cost.total,
            "vehicles": self.cost.duties_used,
            "unserved": list(description.unserved),
            "held": [{"booking": held.booking.id, "reason": held.reason} for held in self.held],
            "valid": not self.violations,
            "iterations": self.plan.iterations,
            "seconds": self.plan.seconds,
            "source": self.plan.source,
            "travel": {"source": self.travel_source, "degraded": self.travel_degraded},
            "kpis": self.kpis.as_json(),
            "routes": [route.as_json() for route in description.routes],
        }


async def plan_day(
    day: Day,
    travel_times: TravelTimes,
    *,
    budget: Budget,
    seed: int = 0,
    rules: DayRules | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> PlannedDay:
    """Plan `day`; the same day, travel times, seed and iterations give the same plan anywhere.

    Raises:
        ProblemError: where a record of the day contradicts itself.

    """
    matrix = await travel_times.matrix([Coordinate(*point) for point in day.points()])
    travel = Travel(time_s=matrix.time_s, distance_km=matrix.distance_km)
    problem = day.problem(travel, rules)
    plan = solve(problem, budget, seed, progress=progress)
    return PlannedDay(
        day=day,
        problem=problem,
        plan=plan,
        cost=evaluate(problem, plan),
        kpis=measure(problem, plan),
        violations=tuple(check(problem, plan)),
        travel_source=matrix.source,
        travel_degraded=matrix.degraded,
    )
