"""A dispatch run from the day's snapshot to a checked plan, stage by stage, each one recorded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from atmr_common.runtime.clock import Clock
from atmr_common.travel.port import Coordinate, TravelMatrix, TravelTimes
from atmr_engine.budget import Budget
from atmr_engine.checker import check
from atmr_engine.objective import evaluate
from atmr_engine.plan import Plan
from atmr_engine.problem import Problem, Travel
from atmr_engine.solver import solve
from dispatch_api.dispatch.domain import RunMode, Stage
from dispatch_api.dispatch.schemas import DispatchRun, StageRecord
from dispatch_api.dispatch.snapshot import DaySnapshot

Result = TypeVar("Result")
Recorded = Callable[[StageRecord], Awaitable[None]]


class PlanRefusedError(Exception):
    """The independent checker refused a plan: it is not committed."""


class Pipeline:
    """Runs the stages of one attempt; `recorded` hears of each one as it ends."""

    def __init__(
        self, travel: TravelTimes, clock: Clock, recorded: Recorded, *, solver_seconds: float
    ) -> None:
        self._travel = travel
        self._clock = clock
        self._recorded = recorded
        self._solver_seconds = solver_seconds

    async def plan(
        self, run: DispatchRun, snapshot: DaySnapshot
    ) -> tuple[Problem, Plan, TravelMatrix]:
        """A plan of the snapshot that the checker passed.

        Raises:
            PlanRefusedError: when it did not.

        """
        matrix = await self._stage(Stage.TRAVEL, lambda: self._matrix(snapshot), _travelled)
        problem = snapshot.problem(Travel(time_s=matrix.time_s, distance_km=matrix.distance_km))

        def outcome(plan: Plan) -> dict[str, Any]:
            return _outcome(problem, plan)

        construct = Budget(iterations=0)
        plan = await self._stage(
            Stage.HEURISTIC, lambda: asyncio.to_thread(solve, problem, construct, run.seed), outcome
        )
        if run.mode is not RunMode.HEURISTIC:
            budget, start = self._budget(run, snapshot), plan
            plan = await self._stage(
                Stage.SOLVER,
                lambda: asyncio.to_thread(solve, problem, budget, run.seed, start),
                outcome,
            )
        await self._stage(Stage.CHECK, lambda: asyncio.to_thread(_judge, problem, plan), outcome)
        return problem, plan, matrix

    def _budget(self, run: DispatchRun, snapshot: DaySnapshot) -> Budget:
        if run.seconds is None and run.iterations is not None:
            return Budget(iterations=run.iterations)
        usual = snapshot.settings.solver_seconds
        seconds = run.seconds if run.seconds is not None else usual
        return Budget(
            seconds=self._solver_seconds if seconds is None else seconds,
            iterations=run.iterations,
        )

    async def _matrix(self, snapshot: DaySnapshot) -> TravelMatrix:
        points = [Coordinate(point.lat, point.lon) for point in snapshot.day.points()]
        return await self._travel.matrix(points)

    async def _stage(
        self,
        stage: Stage,
        work: Callable[[], Awaitable[Any]],
        describe: Callable[[Any], dict[str, Any]],
    ) -> Any:
        started_at, started = self._clock.now(), time.perf_counter()
        result = await work()
        seconds = time.perf_counter() - started
        fields = describe(result)
        await self._recorded(
            StageRecord(
                stage=stage,
                started_at=started_at,
                seconds=seconds,
                objective=fields.pop("objective", None),
                detail=fields,
            )
        )
        return result


def _judge(problem: Problem, plan: Plan) -> Plan:
    violations = check(problem, plan)
    if violations:
        first = "; ".join(violation.message for violation in violations[:3])
        raise PlanRefusedError(f"{len(violations)} violations, the first: {first}")
    return plan


def _outcome(problem: Problem, plan: Plan) -> dict[str, Any]:
    served = sum(len(route.requests) for route in plan.routes)
    return {
        "objective": evaluate(problem, plan).total,
        "served": served,
        "unserved": len(plan.unserved),
        "iterations": plan.iterations,
        "source": plan.source,
    }


def _travelled(matrix: TravelMatrix) -> dict[str, Any]:
    return {"points": len(matrix), "source": matrix.source, "degraded": matrix.degraded}
