"""One claimed run, from the snapshot to the commit; each attempt begins with a fresh snapshot."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from atmr_common.contracts.dispatch import RunCompleted, RunFailed
from atmr_common.database.tenancy import of_company
from atmr_engine import CommitmentError
from dispatch_api.dispatch.claims import Claim
from dispatch_api.dispatch.domain import RunState, Stage
from dispatch_api.dispatch.errors import RunLostError
from dispatch_api.dispatch.metrics import DispatchMetrics
from dispatch_api.dispatch.outcome import new_plan, run_result
from dispatch_api.dispatch.pipeline import CheckedPlan, Pipeline, stage_record
from dispatch_api.dispatch.progress import StageProgress
from dispatch_api.dispatch.repository import DispatchRunRepository
from dispatch_api.dispatch.schemas import DispatchRun, RunResult, StageRecord
from dispatch_api.dispatch.search_budget import Load
from dispatch_api.dispatch.service import day_key
from dispatch_api.dispatch.snapshot import DaySnapshot, read_snapshot
from dispatch_api.dispatch.solving.port import Solver
from dispatch_api.plans.commit import PlanCommit
from dispatch_api.plans.domain import NewPlan
from dispatch_api.ports import Ports


class Execution:
    """Executes what `worker` claimed; `solved` hears when the solver is not needed any more."""

    def __init__(
        self,
        ports: Ports,
        solver: Solver,
        claim: Claim,
        *,
        worker: str,
        service_seconds: float,
        slots: int,
        metrics: DispatchMetrics,
        solved: Callable[[UUID], None],
    ) -> None:
        self._ports = ports
        self._solver = solver
        self._company_id = claim.company_id
        self._run = claim.run
        self._worker = worker
        self._service_seconds = service_seconds
        self._load = Load(waiting=claim.waiting, slots=slots)
        self._metrics = metrics
        self._solved = solved
        self._progress = StageProgress(self._show)
        self._attempt = 0
        self._unspent_s = 0.0

    @property
    def run_id(self) -> UUID:
        return self._run.id

    async def attempt(self, number: int) -> None:
        """Plan and commit once; `number` counts the attempts before.

        Raises:
            DayChangedError: when the day changed meanwhile; nothing was committed.
            RunLostError: when the run is no longer this worker's.
            SolverError: when the solver gave up.

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
        self._attempt, self._progress = number, StageProgress(self._show)
        async with self._progress.shown():
            started_at, started = self._ports.clock.now(), time.perf_counter()
            snapshot = await self._read(refused)
            detail = {"bookings": len(snapshot.day.bookings), "duties": len(snapshot.day.duties)}
            self._recorded(stage_record(Stage.BUILD, started_at, started, detail))
            checked = await self._pipeline().plan(self._run, snapshot)
            self._solved(self._run.id)
        await self._commit(snapshot, checked)

    def _pipeline(self) -> Pipeline:
        return Pipeline(
            travel=self._ports.travel,
            clock=self._ports.clock,
            solver=self._solver,
            recorded=self._recorded,
            spent=self._spent,
            service_seconds=self._service_seconds,
            load=self._load,
        )

    async def fail(self, code: str, detail: str) -> None:
        """End the run without a plan; the event carries the code alone."""
        async with self._ports.database.transaction(of_company(self._company_id)) as session:
            run = await self._own(session)
            await self._finish(session, run, RunState.FAILED, error=f"{code}: {detail}")
            event = RunFailed(run_id=run.id, day=run.date, reason=code)
            await self._tell(session, event)
            await self._spend(session)
        self._ports.relay.nudge()

    async def spend(self) -> None:
        """Count the search time of a run that was interrupted against its company's quota."""
        if self._unspent_s:
            async with self._ports.database.transaction(of_company(self._company_id)) as session:
                await self._spend(session)

    async def _spend(self, session: AsyncSession) -> None:
        seconds, self._unspent_s = self._unspent_s, 0.0
        await self._ports.quotas.spend_solver_seconds(session, self._company_id, seconds)

    def _spent(self, seconds: float) -> None:
        self._unspent_s += seconds

    async def _read(self, refused: set[UUID]) -> DaySnapshot:
        own = of_company(self._company_id)
        async with self._ports.database.transaction(own, read_once=True) as session:
            return await read_snapshot(
                session, self._ports, self._company_id, self._run.date, refused=refused
            )

    async def _commit(self, snapshot: DaySnapshot, checked: CheckedPlan) -> None:
        started_at, started = self._ports.clock.now(), time.perf_counter()
        committed = new_plan(snapshot, self._run.id, checked)
        result = run_result(committed, checked.plan)
        async with self._ports.database.transaction(of_company(self._company_id)) as session:
            run = await self._own(session)
            commit = PlanCommit(session, self._ports, by=f"dispatch run {run.id}")
            version = await commit.commit(committed, snapshot.basis)
            detail = {"plan_version": version}
            self._recorded(stage_record(Stage.COMMIT, started_at, started, detail))
            await self._finish(
                session, run, RunState.COMPLETED, plan_version=version, result=result.model_dump()
            )
            await self._tell(session, _completed(run, committed, version, result))
            await self._spend(session)
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
        await DispatchRunRepository(session).update(
            self._company_id,
            run.id,
            state=state,
            finished_at=self._ports.clock.now(),
            stages=[stage.model_dump(mode="json") for stage in self._progress.stages],
            attempts=self._attempt,
            **values,
        )

    def _recorded(self, stage: StageRecord) -> None:
        self._progress.add(stage)
        self._metrics.stage_ended(stage)

    async def _show(self, stages: Sequence[StageRecord]) -> None:
        async with self._ports.database.transaction(of_company(self._company_id)) as session:
            runs = DispatchRunRepository(session)
            await runs.record_stages(self._company_id, self._run.id, stages, self._attempt)

    async def _tell(self, session: AsyncSession, event: RunCompleted | RunFailed) -> None:
        await self._ports.outbox.record(
            session,
            event,
            key=day_key(self._company_id, event.day),
            company_id=self._company_id,
            version=2,
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
