"""Dispatch runs in the database, and the claim by which a worker makes one its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from dispatch_api.dispatch.domain import RunState
from dispatch_api.dispatch.schemas import DispatchRun, StageRecord
from dispatch_api.dispatch.tables import DispatchRunRow


class DispatchRunRepository:
    """Reads and writes run rows within one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, company_id: UUID, run: DispatchRun) -> None:
        values = run.model_dump(exclude={"date", "stages", "result"})
        self._session.add(
            DispatchRunRow(company_id=company_id, day=run.date, stages=[], result=None, **values)
        )
        await self._session.flush()

    async def find(
        self, company_id: UUID, run_id: UUID, *, lock: bool = False
    ) -> DispatchRun | None:
        row = await self._row(company_id, run_id, lock=lock)
        return _view(row) if row else None

    async def list(
        self, company_id: UUID, *, day: date | None, after: UUID | None, limit: int
    ) -> Sequence[DispatchRun]:
        """The newest first; `after` is the last id of the page before."""
        query = sa.select(DispatchRunRow).where(col(DispatchRunRow.company_id) == company_id)
        if day is not None:
            query = query.where(col(DispatchRunRow.day) == day)
        if after is not None:
            query = query.where(col(DispatchRunRow.id) < after)
        query = query.order_by(col(DispatchRunRow.id).desc()).limit(limit)
        return [_view(row) for row in await self._session.scalars(query)]

    async def update(self, company_id: UUID, run_id: UUID, **values: Any) -> None:
        query = (
            sa.update(DispatchRunRow)
            .where(col(DispatchRunRow.company_id) == company_id, col(DispatchRunRow.id) == run_id)
            .values(**values)
        )
        await self._session.execute(query)

    async def record_stages(
        self, company_id: UUID, run_id: UUID, stages: Sequence[StageRecord], attempts: int
    ) -> None:
        records = [stage.model_dump(mode="json") for stage in stages]
        await self.update(company_id, run_id, stages=records, attempts=attempts)

    async def claim(
        self, worker: str, now: datetime, lease: timedelta
    ) -> tuple[UUID, DispatchRun] | None:
        """The oldest run that waits, or whose worker let its lease run out; now `worker`'s."""
        waits = col(DispatchRunRow.state) == RunState.QUEUED
        abandoned = sa.and_(
            col(DispatchRunRow.state) == RunState.RUNNING, col(DispatchRunRow.lease_until) < now
        )
        query = (
            sa.select(DispatchRunRow)
            .where(sa.or_(waits, abandoned))
            .order_by(col(DispatchRunRow.requested_at), col(DispatchRunRow.id))
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = await self._session.scalar(query)
        if row is None:
            return None
        row.state, row.worker, row.lease_until = RunState.RUNNING, worker, now + lease
        row.started_at, row.stages = now, []
        await self._session.flush()
        return row.company_id, _view(row)

    async def renew(self, run_id: UUID, worker: str, until: datetime) -> bool:
        """Keep the run; False when it is no longer `worker`'s (cancelled, or taken over)."""
        query = (
            sa.update(DispatchRunRow)
            .where(
                col(DispatchRunRow.id) == run_id,
                col(DispatchRunRow.worker) == worker,
                col(DispatchRunRow.state) == RunState.RUNNING,
            )
            .values(lease_until=until)
            .returning(col(DispatchRunRow.id))
        )
        return await self._session.scalar(query) is not None

    async def give_back(self, run_id: UUID, worker: str) -> None:
        """Let another worker have the run."""
        query = (
            sa.update(DispatchRunRow)
            .where(
                col(DispatchRunRow.id) == run_id,
                col(DispatchRunRow.worker) == worker,
                col(DispatchRunRow.state) == RunState.RUNNING,
            )
            .values(state=RunState.QUEUED, worker=None, lease_until=None)
        )
        await self._session.execute(query)

    async def find_owned(self, company_id: UUID, run_id: UUID, worker: str) -> DispatchRun | None:
        """The run, locked, if it is running and `worker`'s."""
        row = await self._row(company_id, run_id, lock=True)
        if row is None or row.worker != worker or row.state is not RunState.RUNNING:
            return None
        return _view(row)

    async def _row(self, company_id: UUID, run_id: UUID, *, lock: bool) -> DispatchRunRow | None:
        query = sa.select(DispatchRunRow).where(
            col(DispatchRunRow.company_id) == company_id, col(DispatchRunRow.id) == run_id
        )
        if lock:
            query = query.with_for_update().execution_options(populate_existing=True)
        row: DispatchRunRow | None = await self._session.scalar(query)
        return row


def _view(row: DispatchRunRow) -> DispatchRun:
    hidden = {"company_id", "day", "worker", "lease_until"}
    return DispatchRun.model_validate({**row.model_dump(exclude=hidden), "date": row.day})
