"""Drivers, their shifts and their absences in the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from dispatch_api.drivers.domain import Absence, Break, Credential, Shift, StoredDriver
from dispatch_api.drivers.tables import AbsenceRow, DriverRow, ShiftRow


class DriverRepository:
    """Reads and writes drivers within one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, company_id: UUID, driver: StoredDriver) -> None:
        row = asdict(driver) | {"credentials": _credentials_json(driver)}
        await self._session.execute(sa.insert(DriverRow).values(company_id=company_id, **row))

    async def update(self, company_id: UUID, driver: StoredDriver) -> None:
        """Write a driver that was read under a lock."""
        row = asdict(driver) | {"credentials": _credentials_json(driver)}
        query = sa.update(DriverRow).where(
            col(DriverRow.company_id) == company_id, col(DriverRow.id) == driver.id
        )
        await self._session.execute(query.values(row))

    async def find(
        self, company_id: UUID, driver_id: UUID, *, lock: bool = False
    ) -> StoredDriver | None:
        found = await self.find_all(company_id, [driver_id], lock=lock)
        return found.get(driver_id)

    async def find_all(
        self, company_id: UUID, driver_ids: Collection[UUID], *, lock: bool = False
    ) -> dict[UUID, StoredDriver]:
        """Those of the company among `driver_ids`; locked in the order of their ids."""
        query = _of_company(company_id).where(col(DriverRow.id).in_(driver_ids))
        query = query.order_by(col(DriverRow.id)).execution_options(populate_existing=True)
        rows = await self._session.scalars(query.with_for_update(key_share=True) if lock else query)
        return {row.id: _driver(row) for row in rows}

    async def by_names(self, company_id: UUID, names: Collection[str]) -> dict[str, StoredDriver]:
        query = _of_company(company_id).where(col(DriverRow.name).in_(names))
        return {row.name: _driver(row) for row in await self._session.scalars(query)}

    async def list(
        self, company_id: UUID, *, active: bool | None, after: UUID | None, limit: int
    ) -> Sequence[StoredDriver]:
        query = _of_company(company_id)
        if active is not None:
            query = query.where(col(DriverRow.active) == active)
        if after is not None:
            query = query.where(col(DriverRow.id) > after)
        rows = await self._session.scalars(query.order_by(col(DriverRow.id)).limit(limit))
        return [_driver(row) for row in rows]


class ShiftRepository:
    """Reads and writes shifts within one session; lock the driver before writing."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, company_id: UUID, shift: Shift) -> None:
        await self._session.execute(
            sa.insert(ShiftRow).values(company_id=company_id, **_shift_row(shift))
        )

    async def update(self, company_id: UUID, shift: Shift) -> None:
        query = sa.update(ShiftRow).where(_is(ShiftRow, company_id, shift.id))
        await self._session.execute(query.values(_shift_row(shift)))

    async def delete(self, company_id: UUID, shift_id: UUID) -> None:
        await self._session.execute(sa.delete(ShiftRow).where(_is(ShiftRow, company_id, shift_id)))

    async def find(self, company_id: UUID, shift_id: UUID) -> Shift | None:
        query = sa.select(ShiftRow).where(_is(ShiftRow, company_id, shift_id))
        row = await self._session.scalar(query.execution_options(populate_existing=True))
        return shift_of(row) if row else None

    async def overlapping(
        self, company_id: UUID, driver_ids: Collection[UUID], begin: datetime, end: datetime
    ) -> Sequence[Shift]:
        """The shifts of these drivers that share time with `begin` to `end`."""
        query = sa.select(ShiftRow).where(
            col(ShiftRow.driver_id).in_(driver_ids), _meets(ShiftRow, company_id, begin, end)
        )
        query = query.order_by(col(ShiftRow.starts_at)).execution_options(populate_existing=True)
        return [shift_of(row) for row in await self._session.scalars(query)]

    async def list(
        self,
        company_id: UUID,
        *,
        driver_id: UUID | None,
        times: tuple[datetime, datetime] | None,
        after: UUID | None,
        limit: int,
    ) -> Sequence[Shift]:
        query = sa.select(ShiftRow).where(col(ShiftRow.company_id) == company_id)
        if driver_id is not None:
            query = query.where(col(ShiftRow.driver_id) == driver_id)
        if times is not None:
            query = query.where(_meets(ShiftRow, company_id, *times))
        if after is not None:
            query = query.where(col(ShiftRow.id) > after)
        rows = await self._session.scalars(query.order_by(col(ShiftRow.id)).limit(limit))
        return [shift_of(row) for row in rows]


class AbsenceRepository:
    """Reads and writes absences within one session; lock the driver before writing."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, company_id: UUID, absence: Absence) -> None:
        await self._session.execute(
            sa.insert(AbsenceRow).values(company_id=company_id, **asdict(absence))
        )

    async def delete(self, company_id: UUID, driver_id: UUID, absence_id: UUID) -> bool:
        query = sa.delete(AbsenceRow).where(
            _is(AbsenceRow, company_id, absence_id), col(AbsenceRow.driver_id) == driver_id
        )
        return await self._session.scalar(query.returning(col(AbsenceRow.id))) is not None

    async def overlapping(
        self, company_id: UUID, driver_ids: Collection[UUID], begin: datetime, end: datetime
    ) -> Sequence[Absence]:
        query = sa.select(AbsenceRow).where(
            col(AbsenceRow.driver_id).in_(driver_ids), _meets(AbsenceRow, company_id, begin, end)
        )
        rows = await self._session.scalars(query.order_by(col(AbsenceRow.starts_at)))
        return [Absence(**row.model_dump(exclude={"company_id"})) for row in rows]

    async def list(
        self, company_id: UUID, driver_id: UUID, *, after: UUID | None, limit: int
    ) -> Sequence[Absence]:
        query = sa.select(AbsenceRow).where(
            col(AbsenceRow.company_id) == company_id, col(AbsenceRow.driver_id) == driver_id
        )
        if after is not None:
            query = query.where(col(AbsenceRow.id) > after)
        rows = await self._session.scalars(query.order_by(col(AbsenceRow.id)).limit(limit))
        return [Absence(**row.model_dump(exclude={"company_id"})) for row in rows]


def shift_of(row: ShiftRow) -> Shift:
    """A shift row in domain words; its breaks are kept as ISO moments."""
    breaks = tuple(
        Break(
            minutes=item["minutes"],
            earliest=datetime.fromisoformat(item["earliest"]),
            latest=datetime.fromisoformat(item["latest"]),
        )
        for item in row.breaks
    )
    return Shift(breaks=breaks, **row.model_dump(exclude={"company_id", "breaks"}))


def credentials_of(row: DriverRow) -> tuple[Credential, ...]:
    """A driver row's credentials in domain words."""
    return tuple(Credential.of(item) for item in row.credentials)


def _driver(row: DriverRow) -> StoredDriver:
    values = row.model_dump(exclude={"company_id", "credentials"})
    return StoredDriver(credentials=credentials_of(row), **values)


def _credentials_json(driver: StoredDriver) -> list[dict[str, Any]]:
    return [credential.record() for credential in driver.credentials]


def _shift_row(shift: Shift) -> dict[str, Any]:
    breaks = [
        {
            "minutes": item.minutes,
            "earliest": item.earliest.isoformat(),
            "latest": item.latest.isoformat(),
        }
        for item in shift.breaks
    ]
    return asdict(shift) | {"breaks": breaks}


def _of_company(company_id: UUID) -> sa.Select[DriverRow]:
    return sa.select(DriverRow).where(col(DriverRow.company_id) == company_id)


def _is(
    table: type[ShiftRow | AbsenceRow], company_id: UUID, row_id: UUID
) -> sa.ColumnElement[bool]:
    return sa.and_(col(table.company_id) == company_id, col(table.id) == row_id)


def _meets(
    table: type[ShiftRow | AbsenceRow], company_id: UUID, begin: datetime, end: datetime
) -> sa.ColumnElement[bool]:
    return sa.and_(
        col(table.company_id) == company_id,
        col(table.starts_at) < end,
        col(table.ends_at) > begin,
    )
