"""A dispatch run from the day's snapshot to a checked plan, stage by stage, each one recorded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from atmr_common.runtime.clock import Clock
from atmr_common.travel.port import Coordinate, TravelMatrix, TravelTimes
from atmr_engine.plan import Plan
from atmr_engine.problem import Travel
from dispatch_api.dispatch.domain import RunMode, Stage
from dispatch_api.dispatch.schemas import DispatchRun, StageRecord
from dispatch_api.dispatch.search_budget import Load, SearchBudget, Wishes, search_budget
from dispatch_api.dispatch.snapshot import DaySnapshot
from dispatch_api.dispatch.solving.port import Appraisal, Found, Solver, Workbench

Result = TypeVar("Result")
Recorded = Callable[[StageRecord], None]
OF_SOLVER = frozenset({Stage.HEURISTIC, Stage.SOLVER, Stage.CHECK})


class PlanRefusedError(Exception):
    """The independent checker refused a plan: it is not committed."""


@dataclass(frozen=True, kw_only=True)
class CheckedPlan:
    """A plan that the checker passed, with what it is worth and which travel times it is from."""

    plan: Plan
    appraisal: Appraisal
    matrix: TravelMatrix


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """Runs the stages of one attempt; `recorded` hears of each one as it ends.

    `spent` hears of the solver's seconds, also of those of a stage that was interrupted.
    """

    travel: TravelTimes
    clock: Clock
    solver: Solver
    recorded: Recorded
    spent: Callable[[float], None]
    service_seconds: float
    load: Load

    async def plan(self, run: DispatchRun, snapshot: DaySnapshot) -> CheckedPlan:
        """A plan of the snapshot that the checker passed.

        Raises:
            PlanRefusedError: when it did not.
            CommitmentError, SolverError: see `Workbench`.

        """
        matrix = await self._stage(Stage.TRAVEL, lambda: self._matrix(snapshot), _travelled)
        travel = Travel(time_s=matrix.time_s, distance_km=matrix.distance_km)
        problem = await asyncio.to_thread(snapshot.problem, travel)
        async with self.solver.workbench(problem) as bench:
            found = await self._stage(
                Stage.HEURISTIC, lambda: bench.construct(run.seed), _found_detail
            )
            if run.mode is not RunMode.HEURISTIC:
                found = await self._search(bench, run, snapshot, found)
            appraisal = await self._stage(
                Stage.CHECK,
                lambda: _judged(bench, found.plan),
                lambda appraisal: _outcome(found.plan, appraisal.cost.total),
            )
        return CheckedPlan(plan=found.plan, appraisal=appraisal, matrix=matrix)

    async def _search(
        self, bench: Workbench, run: DispatchRun, snapshot: DaySnapshot, first: Found
    ) -> Found:
        chosen = self._budget(run, snapshot)
        return await self._stage(
            Stage.SOLVER,
            lambda: bench.improve(chosen.budget, run.seed, first.plan),
            lambda found: _found_detail(found) | chosen.detail,
        )

    def _budget(self, run: DispatchRun, snapshot: DaySnapshot) -> SearchBudget:
        wishes = Wishes(
            run_seconds=run.seconds,
            run_iterations=run.iterations,
            company_seconds=snapshot.settings.solver_seconds,
            service_seconds=self.service_seconds,
        )
        return search_budget(wishes, len(snapshot.day.bookings), self.load)

    async def _matrix(self, snapshot: DaySnapshot) -> TravelMatrix:
        points = [Coordinate(point.lat, point.lon) for point in snapshot.day.points()]
        return await self.travel.matrix(points)

    async def _stage(
        self,
        stage: Stage,
        work: Callable[[], Awaitable[Result]],
        describe: Callable[[Result], dict[str, Any]],
    ) -> Result:
        started_at, started = self.clock.now(), time.perf_counter()
        try:
            result = await work()
        finally:
            if stage in OF_SOLVER:
                self.spent(time.perf_counter() - started)
        self.recorded(stage_record(stage, started_at, started, describe(result)))
        return result


def stage_record(
    stage: Stage, started_at: datetime, started: float, detail: dict[str, Any]
) -> StageRecord:
    """What is known of a stage that began at `started` of the performance counter."""
    return StageRecord(
        stage=stage,
        started_at=started_at,
        seconds=time.perf_counter() - started,
        objective=detail.get("objective"),
        detail={name: value for name, value in detail.items() if name != "objective"},
    )


async def _judged(bench: Workbench, plan: Plan) -> Appraisal:
    appraisal = await bench.appraise(plan)
    if appraisal.violations:
        first = "; ".join(violation.message for violation in appraisal.violations[:3])
        raise PlanRefusedError(f"{len(appraisal.violations)} violations, the first: {first}")
    return appraisal


def _found_detail(found: Found) -> dict[str, Any]:
    return _outcome(found.plan, found.objective)


def _outcome(plan: Plan, objective: float) -> dict[str, Any]:
    return {
        "objective": objective,
        "served": sum(len(route.requests) for route in plan.routes),
        "unserved": len(plan.unserved),
        "iterations": plan.iterations,
        "source": plan.source,
    }


def _travelled(matrix: TravelMatrix) -> dict[str, Any]:
    return {"points": len(matrix), "source": matrix.source, "degraded": matrix.degraded}
