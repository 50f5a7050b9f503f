"""Use cases of dispatch runs: ask for one, look at it, cancel it. Workers do the rest."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends

from atmr_common.contracts.dispatch import RunFailed, RunRequested
from atmr_common.database.session import Session
from atmr_common.runtime.identifiers import new_id
from atmr_common.web.access import Caller
from atmr_common.web.pagination import Page, decode_id_cursor, page_by_id
from atmr_common.web.problems import NotFoundError
from dispatch_api.dispatch.domain import RunState
from dispatch_api.dispatch.errors import RunEndedError
from dispatch_api.dispatch.repository import DispatchRunRepository
from dispatch_api.dispatch.schemas import DispatchRun, NewDispatchRun
from dispatch_api.ports import Ports, PortsDep


def day_key(company_id: UUID, day: date) -> str:
    """The key of events about a company's day."""
    return f"{company_id}:{day.isoformat()}"


class DispatchRunService:
    """What can be done with dispatch runs."""

    def __init__(self, session: Session, ports: Ports) -> None:
        self._session = session
        self._runs = DispatchRunRepository(session)
        self._ports = ports

    async def request(self, caller: Caller, new: NewDispatchRun) -> DispatchRun:
        """Queue a run; whichever worker is free claims it.

        Raises:
            QuotaExceededError: when the company's search time of the day is used up.

        """
        await self._ports.quotas.check_solver_seconds(self._session, caller.company_id)
        run = DispatchRun(
            id=new_id(),
            **new.model_dump(),
            state=RunState.QUEUED,
            requested_by=caller.subject,
            requested_at=self._ports.clock.now(),
            started_at=None,
            finished_at=None,
            attempts=0,
            stages=[],
            plan_version=None,
            result=None,
            error=None,
        )
        await self._runs.add(caller.company_id, run)
        event = RunRequested(run_id=run.id, day=run.date, mode=run.mode)
        await self._record(caller.company_id, run, event, version=1)
        return run

    async def get(self, company_id: UUID, run_id: UUID) -> DispatchRun:
        run = await self._runs.find(company_id, run_id)
        if run is None:
            raise NotFoundError(f"There is no dispatch run {run_id}.")
        return run

    async def list(
        self, company_id: UUID, day: date | None, cursor: str | None, limit: int
    ) -> Page[DispatchRun]:
        after = decode_id_cursor(cursor)
        runs = await self._runs.list(company_id, day=day, after=after, limit=limit + 1)
        return page_by_id(runs, limit)

    async def cancel(self, caller: Caller, run_id: UUID) -> DispatchRun:
        """Stop a run that has not ended; what it found is not committed."""
        run = await self._runs.find(caller.company_id, run_id, lock=True)
        if run is None:
            raise NotFoundError(f"There is no dispatch run {run_id}.")
        if run.state.ended:
            raise RunEndedError(f"The run has ended already: it is {run.state}.")
        now, reason = self._ports.clock.now(), f"cancelled by {caller.subject}"
        await self._runs.update(
            caller.company_id, run_id, state=RunState.CANCELLED, finished_at=now, error=reason
        )
        event = RunFailed(run_id=run.id, day=run.date, reason="cancelled")
        await self._record(caller.company_id, run, event, version=2)
        return await self.get(caller.company_id, run_id)

    async def _record(
        self, company_id: UUID, run: DispatchRun, event: RunRequested | RunFailed, *, version: int
    ) -> None:
        key = day_key(company_id, run.date)
        await self._ports.outbox.record(
            self._session, event, key=key, company_id=company_id, version=version
        )


def dispatch_run_service(session: Session, ports: PortsDep) -> DispatchRunService:
    return DispatchRunService(session, ports)


DispatchRuns = Annotated[DispatchRunService, Depends(dispatch_run_service)]
