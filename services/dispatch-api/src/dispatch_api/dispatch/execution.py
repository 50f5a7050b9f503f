"""One claimed run, from the snapshot to the commit; each attempt begins with a fresh snapshot."""

from __future__ import annotations

import time
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from atmr_common.contracts.dispatch import RunCompleted, RunFailed
from atmr_common.travel.port import TravelMatrix
from atmr_engine import CommitmentError
from atmr_engine.plan import Plan
from atmr_engine.problem import Problem
from dispatch_api.dispatch.domain import RunState, Stage
from dispatch_api.dispatch.outcome import new_plan, run_result
from dispatch_api.dispatch.pipeline import Pipeline
from dispatch_api.dispatch.repository import DispatchRunRepository
from dispatch_api.dispatch.schemas import DispatchRun, RunResult, StageRecord
from dispatch_api.dispatch.service import day_key
from dispatch_api.dispatch.snapshot import DaySnapshot, read_snapshot
from dispatch_api.plans.commit import PlanCommit
from dispatch_api.plans.domain import NewPlan
from dispatch_api.ports import Ports

READ_ONCE = sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


class RunLostError(Exception):
    """The run is not this worker's any more: cancelled, or taken over after its lease ran out."""


class Execution:
    """Executes `run` for `company_id` on behalf of `worker`."""

    def __init__(
        self, ports: Ports, company_id: UUID, run: DispatchRun, worker: str, solver_seconds: float
    ) -> None:
        self._ports = ports
        self._company_id = company_id
        self._run = run
        self._worker = worker
        self._solver_seconds = solver_seconds
        self._stages: list[StageRecord] = []
        self._attempt = 0

    async def attempt(self, number: int) -> None:
        """Plan and commit once; `number` counts the attempts before.

        Raises:
            DayChangedError: when the day changed meanwhile; nothing was committed.
            RunLostError: when the run is no longer this worker's.

        """
        refused: set[UUID] = set()
        while True:
            try:
                await self._plan_and_commit(number, refused)
            except CommitmentError as error:
                refused.add(UUID(error.duty))
            else:
                return

    async def _plan_and_commit(self, number: int, refused: set[UUID]) -> None:
        """Once, with the routes of `refused` duties as they stand."""
        self._attempt, self._stages = number, []
        started_at, started = self._ports.clock.now(), time.perf_counter()
        snapshot = await self._read(refused)
        detail = {"bookings": len(snapshot.day.bookings), "duties": len(snapshot.day.duties)}
        await self._recorded(_stage(Stage.BUILD, started_at, started, detail))
        pipeline = Pipeline(
            self._ports.travel,
            self._ports.clock,
            self._recorded,
            solver_seconds=self._solver_seconds,
        )
        problem, plan, matrix = await pipeline.plan(self._run, snapshot)
        await self._commit(snapshot, problem, plan, matrix)

    async def fail(self, code: str, detail: str) -> None:
        """End the run without a plan; the event carries the code alone."""
        async with self._ports.database.transaction() as session:
            run = await self._own(session)
            await self._finish(session, run, RunState.FAILED, error=f"{code}: {detail}")
            event = RunFailed(run_id=run.id, day=run.date, reason=code)
            await self._tell(session, event)

    async def _read(self, refused: set[UUID]) -> DaySnapshot:
        async with self._ports.database.transaction() as session:
            await session.execute(READ_ONCE)
            return await read_snapshot(
                session, self._ports, self._company_id, self._run.date, refused=refused
            )

    async def _commit(
        self, snapshot: DaySnapshot, problem: Problem, plan: Plan, matrix: TravelMatrix
    ) -> None:
        started_at, started = self._ports.clock.now(), time.perf_counter()
        committed = new_plan(snapshot, self._run.id, problem, plan, matrix)
        result = run_result(committed, plan)
        async with self._ports.database.transaction() as session:
            run = await self._own(session)
            commit = PlanCommit(session, self._ports, by=f"dispatch run {run.id}")
            version = await commit.commit(committed, snapshot.basis)
            self._stages.append(
                _stage(Stage.COMMIT, started_at, started, {"plan_version": version})
            )
            await self._finish(
                session, run, RunState.COMPLETED, plan_version=version, result=result.model_dump()
            )
            await self._tell(session, _completed(run, committed, version, result))
        self._ports.relay.nudge()

    async def _own(self, session: AsyncSession) -> DispatchRun:
        """Lock the run's row and make sure that it is still this worker's."""
        runs = DispatchRunRepository(session)
        run = await runs.find_owned(self._company_id, self._run.id, self._worker)
        if run is None:
            raise RunLostError(f"run {self._run.id} was cancelled or taken over")
        return run

    async def _finish(
        self, session: AsyncSession, run: DispatchRun, state: RunState, **values: object
    ) -> None:
        stages = [stage.model_dump(mode="json") for stage in self._stages]
        await DispatchRunRepository(session).update(
            self._company_id,
            run.id,
            state=state,
            finished_at=self._ports.clock.now(),
            stages=stages,
            **values,
        )

    async def _recorded(self, stage: StageRecord) -> None:
        """Let the status show each stage as it ends."""
        self._stages.append(stage)
        async with self._ports.database.transaction() as session:
            await DispatchRunRepository(session).record_stages(
                self._company_id, self._run.id, self._stages, self._attempt
            )

    async def _tell(self, session: AsyncSession, event: RunCompleted | RunFailed) -> None:
        await self._ports.outbox.record(
            session,
            event,
            key=day_key(self._company_id, event.day),
            company_id=self._company_id,
            version=2,
        )


def _stage(stage: Stage, started_at: object, started: float, detail: dict[str, int]) -> StageRecord:
    seconds = time.perf_counter() - started
    return StageRecord.model_validate(
        {"stage": stage, "started_at": started_at, "seconds": seconds, "detail": detail}
    )


def _completed(run: DispatchRun, plan: NewPlan, version: int, result: RunResult) -> RunCompleted:
    return RunCompleted(
        run_id=run.id,
        day=plan.day,
        plan_version=version,
        served=result.served,
        unserved=result.unserved,
        degraded=result.degraded,
    )
