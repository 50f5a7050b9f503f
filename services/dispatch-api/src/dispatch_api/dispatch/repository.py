"""Dispatch runs of one company in the database; `claims.py` has the queue of all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
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
        return run_view(row) if row else None

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
        return [run_view(row) for row in await self._session.scalars(query)]

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

    async def find_owned(self, company_id: UUID, run_id: UUID, worker: str) -> DispatchRun | None:
        """The run, locked, if it is running and `worker`'s."""
        row = await self._row(company_id, run_id, lock=True)
        if row is None or row.worker != worker or row.state is not RunState.RUNNING:
            return None
        return run_view(row)

    async def _row(self, company_id: UUID, run_id: UUID, *, lock: bool) -> DispatchRunRow | None:
        query = sa.select(DispatchRunRow).where(
            col(DispatchRunRow.company_id) == company_id, col(DispatchRunRow.id) == run_id
        )
        if lock:
            query = query.with_for_update().execution_options(populate_existing=True)
        row: DispatchRunRow | None = await self._session.scalar(query)
        return row


def run_view(row: DispatchRunRow) -> DispatchRun:
    """The run as clients see it."""
    hidden = {"company_id", "day", "worker", "lease_until"}
    return DispatchRun.model_validate({**row.model_dump(exclude=hidden), "date": row.day})
