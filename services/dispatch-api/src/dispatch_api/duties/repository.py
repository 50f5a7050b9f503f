"""Duties in the database; cancelled ones are kept, and count nowhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from dispatch_api.duties.domain import DutyOfDay, Span, StoredDuty
from dispatch_api.duties.of_day import read_duties_of_day
from dispatch_api.duties.tables import DutyCrewRow, DutyRow


class DutyRepository:
    """Reads and writes duties and their crews within one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, company_id: UUID, duty: StoredDuty) -> None:
        row = {key: value for key, value in asdict(duty).items() if key != "crew"}
        await self._session.execute(sa.insert(DutyRow).values(company_id=company_id, **row))
        await self._put_crew(company_id, duty)

    async def update(self, company_id: UUID, duty: StoredDuty) -> None:
        """Write a duty that was read under a lock, with its version as given."""
        row = {key: value for key, value in asdict(duty).items() if key != "crew"}
        query = sa.update(DutyRow).where(
            col(DutyRow.company_id) == company_id, col(DutyRow.id) == duty.id
        )
        await self._session.execute(query.values(row))
        old_crew = sa.delete(DutyCrewRow).where(
            col(DutyCrewRow.company_id) == company_id, col(DutyCrewRow.duty_id) == duty.id
        )
        await self._session.execute(old_crew)
        await self._put_crew(company_id, duty)

    async def find(
        self, company_id: UUID, duty_id: UUID, *, lock: bool = False
    ) -> StoredDuty | None:
        query = _of_company(company_id).where(col(DutyRow.id) == duty_id)
        found = await self._read(query.with_for_update(key_share=True) if lock else query)
        return found[0] if found else None

    async def list(
        self,
        company_id: UUID,
        *,
        day: date | None,
        with_cancelled: bool,
        after: UUID | None,
        limit: int,
    ) -> Sequence[StoredDuty]:
        query = _of_company(company_id)
        if day is not None:
            query = query.where(col(DutyRow.day) == day)
        if not with_cancelled:
            query = query.where(col(DutyRow.cancelled_at).is_(None))
        if after is not None:
            query = query.where(col(DutyRow.id) > after)
        return await self._read(query.order_by(col(DutyRow.id)).limit(limit))

    async def of_day(self, company_id: UUID, day: date) -> Sequence[DutyOfDay]:
        """The day's duties by name, with everything that planning needs, in three queries."""
        return await read_duties_of_day(self._session, company_id, day)

    async def lock_versions(self, company_id: UUID, duty_ids: Iterable[UUID]) -> dict[UUID, int]:
        """The present versions of duties that are not cancelled, held until the end."""
        query = (
            sa.select(col(DutyRow.id), col(DutyRow.version))
            .where(
                col(DutyRow.company_id) == company_id,
                col(DutyRow.id).in_(list(duty_ids)),
                col(DutyRow.cancelled_at).is_(None),
            )
            .order_by(col(DutyRow.id))
            .with_for_update(key_share=True)
        )
        return dict((await self._session.execute(query)).all())

    async def of_vehicle(
        self, company_id: UUID, vehicle_id: UUID, span: Span
    ) -> Sequence[StoredDuty]:
        """The vehicle's duties that overlap a time."""
        query = _at_work(company_id, span).where(col(DutyRow.vehicle_id) == vehicle_id)
        return await self._read(query)

    async def of_drivers(
        self, company_id: UUID, driver_ids: Collection[UUID], span: Span
    ) -> Sequence[StoredDuty]:
        """The duties of these drivers that overlap a time."""
        theirs = sa.select(col(DutyCrewRow.duty_id)).where(
            col(DutyCrewRow.company_id) == company_id, col(DutyCrewRow.driver_id).in_(driver_ids)
        )
        return await self._read(_at_work(company_id, span).where(col(DutyRow.id).in_(theirs)))

    async def touch(self, company_id: UUID, duties: Iterable[StoredDuty]) -> None:
        """Raise the versions of duties whose vehicle or crew changed: plans of them are redone."""
        changed = [duty.id for duty in duties]
        if changed:
            await self.lock_versions(company_id, changed)
            query = sa.update(DutyRow).where(
                col(DutyRow.company_id) == company_id, col(DutyRow.id).in_(changed)
            )
            await self._session.execute(query.values(version=DutyRow.version + 1))

    async def _put_crew(self, company_id: UUID, duty: StoredDuty) -> None:
        crew = [
            {"company_id": company_id, "duty_id": duty.id, "position": place, "driver_id": driver}
            for place, driver in enumerate(duty.crew, start=1)
        ]
        await self._session.execute(sa.insert(DutyCrewRow), crew)

    async def _read(self, query: sa.Select[DutyRow]) -> Sequence[StoredDuty]:
        rows = (await self._session.scalars(query.execution_options(populate_existing=True))).all()
        crews: dict[UUID, list[UUID]] = {row.id: [] for row in rows}
        members = (
            sa.select(col(DutyCrewRow.duty_id), col(DutyCrewRow.driver_id))
            .where(
                col(DutyCrewRow.company_id).in_({row.company_id for row in rows}),
                col(DutyCrewRow.duty_id).in_(crews),
            )
            .order_by(col(DutyCrewRow.position))
        )
        if rows:
            for duty_id, driver_id in await self._session.execute(members):
                crews[duty_id].append(driver_id)
        return [
            StoredDuty(crew=tuple(crews[row.id]), **row.model_dump(exclude={"company_id"}))
            for row in rows
        ]


def _of_company(company_id: UUID) -> sa.Select[DutyRow]:
    return sa.select(DutyRow).where(col(DutyRow.company_id) == company_id)


def _at_work(company_id: UUID, span: Span) -> sa.Select[DutyRow]:
    return (
        _of_company(company_id)
        .where(
            col(DutyRow.cancelled_at).is_(None),
            col(DutyRow.starts_at) < span.end,
            col(DutyRow.ends_at) > span.begin,
        )
        .order_by(col(DutyRow.starts_at), col(DutyRow.id))
    )
