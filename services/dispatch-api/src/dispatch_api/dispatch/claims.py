"""How workers share the queue of runs, as rows of all companies: claim, renew, give back.

The next run is of the company that has the fewest at work, then of the one that was served the
longest ago, then the oldest; a worker keeps its last slot free of a company that has the others.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from dispatch_api.dispatch.domain import RunState
from dispatch_api.dispatch.repository import run_view
from dispatch_api.dispatch.schemas import DispatchRun
from dispatch_api.dispatch.tables import DispatchRunRow

STILL_OURS = (RunState.RUNNING, RunState.COMPLETED, RunState.FAILED)
"""A run that we ended is ours; one that is cancelled, or another's, is not."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A run that is a worker's now.

    `waiting` is how many other companies wait, or how many more runs of this one if that is more:
    what one company piles up is not counted against another.
    """

    company_id: UUID
    run: DispatchRun
    waiting: int


@dataclass(frozen=True)
class Queue:
    """How many runs wait, and since when the oldest."""

    length: int
    oldest: datetime | None


class RunClaims:
    """The claims of one worker, within one session of the platform."""

    def __init__(self, session: AsyncSession, worker: str) -> None:
        self._session = session
        self._worker = worker

    async def claim(self, now: datetime, lease: timedelta, *, most_of_one: int) -> Claim | None:
        """The next run that waits, or whose worker let its lease run out.

        `most_of_one` is how many runs of one company this worker has at once at most.
        """
        query = _next_run(self._worker, now, most_of_one)
        row: DispatchRunRow | None = await self._session.scalar(query)
        if row is None:
            return None
        row.state, row.worker, row.lease_until = RunState.RUNNING, self._worker, now + lease
        row.started_at, row.stages = now, []
        await self._session.flush()
        waiting = await self._waiting(row.company_id)
        return Claim(company_id=row.company_id, run=run_view(row), waiting=waiting)

    async def renew(self, run_ids: Collection[UUID], until: datetime) -> None:
        """Keep the runs; one that is just being committed or cancelled is left alone."""
        ours = (
            sa.select(col(DispatchRunRow.id))
            .where(self._ours(run_ids), col(DispatchRunRow.state) == RunState.RUNNING)
            .with_for_update(skip_locked=True)
        )
        query = (
            sa.update(DispatchRunRow)
            .where(col(DispatchRunRow.id).in_(ours))
            .values(lease_until=until)
            .execution_options(synchronize_session=False)
        )
        await self._session.execute(query)

    async def still_ours(self, run_ids: Collection[UUID]) -> set[UUID]:
        """Those that nobody cancelled or took over; waits for no lock."""
        query = sa.select(col(DispatchRunRow.id)).where(
            self._ours(run_ids), col(DispatchRunRow.state).in_(STILL_OURS)
        )
        return set(await self._session.scalars(query))

    async def give_back(self, run_id: UUID) -> None:
        """Let another worker have the run."""
        query = (
            sa.update(DispatchRunRow)
            .where(self._ours([run_id]), col(DispatchRunRow.state) == RunState.RUNNING)
            .values(state=RunState.QUEUED, worker=None, lease_until=None)
            .execution_options(synchronize_session=False)
        )
        await self._session.execute(query)

    async def queue(self) -> Queue:
        query = sa.select(sa.func.count(), sa.func.min(DispatchRunRow.requested_at)).where(
            col(DispatchRunRow.state) == RunState.QUEUED
        )
        length, oldest = (await self._session.execute(query)).one()
        return Queue(length, oldest)

    async def _waiting(self, company_id: UUID) -> int:
        own = col(DispatchRunRow.company_id) == company_id
        query = sa.select(
            sa.func.count().filter(own),
            sa.func.count(DispatchRunRow.company_id.distinct()).filter(~own),  # type: ignore[attr-defined]  # SQLModel types columns as their values
        ).where(col(DispatchRunRow.state) == RunState.QUEUED)
        return max((await self._session.execute(query)).one())

    def _ours(self, run_ids: Collection[UUID]) -> sa.ColumnElement[bool]:
        return sa.and_(
            col(DispatchRunRow.id).in_(run_ids), col(DispatchRunRow.worker) == self._worker
        )


def _next_run(worker: str, now: datetime, most_of_one: int) -> sa.Select[DispatchRunRow]:
    """The run to claim, locked; one that another worker is just claiming is passed over."""
    waiting = (
        sa.select(col(DispatchRunRow.company_id).label("company_id"))
        .where(_waits(DispatchRunRow, now))
        .distinct()
        .subquery("waiting")
    )
    other = aliased(DispatchRunRow, name="other")
    works = sa.and_(
        col(other.company_id) == waiting.c.company_id,
        col(other.state) == RunState.RUNNING,
        col(other.lease_until) >= now,
    )
    at_work = sa.select(sa.func.count()).where(works).scalar_subquery()
    here = sa.select(sa.func.count()).where(works, col(other.worker) == worker).scalar_subquery()
    served = (
        sa.select(sa.func.max(other.started_at))
        .where(col(other.company_id) == waiting.c.company_id)
        .scalar_subquery()
    )
    return (
        sa.select(DispatchRunRow)
        .join(waiting, waiting.c.company_id == col(DispatchRunRow.company_id))
        .where(_waits(DispatchRunRow, now), here < most_of_one)
        .order_by(
            at_work,
            served.nulls_first(),
            col(DispatchRunRow.requested_at),
            col(DispatchRunRow.id),
        )
        .limit(1)
        .with_for_update(of=DispatchRunRow, skip_locked=True)
    )


def _waits(run: type[DispatchRunRow], now: datetime) -> sa.ColumnElement[bool]:
    """The first condition, in these words, is that of the index."""
    return sa.and_(
        sa.text("dispatch.dispatch_run.state IN ('queued', 'running')"),
        sa.or_(col(run.state) == RunState.QUEUED, col(run.lease_until) < now),
    )
