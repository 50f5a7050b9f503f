"""Vehicles and their outages in the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from dispatch_api.vehicles.domain import Outage, StoredVehicle
from dispatch_api.vehicles.tables import VehicleOutageRow, VehicleRow


class VehicleRepository:
    """Reads and writes vehicles within one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, company_id: UUID, vehicle: StoredVehicle) -> None:
        query = sa.insert(VehicleRow).values(company_id=company_id, **asdict(vehicle))
        await self._session.execute(query)

    async def update(self, company_id: UUID, vehicle: StoredVehicle) -> None:
        """Write a vehicle that was read under a lock."""
        query = sa.update(VehicleRow).where(
            col(VehicleRow.company_id) == company_id, col(VehicleRow.id) == vehicle.id
        )
        await self._session.execute(query.values(asdict(vehicle)))

    async def find(
        self, company_id: UUID, vehicle_id: UUID, *, lock: bool = False
    ) -> StoredVehicle | None:
        query = _of_company(company_id).where(col(VehicleRow.id) == vehicle_id)
        row = await self._session.scalar(query.with_for_update(key_share=True) if lock else query)
        return _view(row) if row else None

    async def by_names(self, company_id: UUID, names: Collection[str]) -> dict[str, StoredVehicle]:
        query = _of_company(company_id).where(col(VehicleRow.name).in_(names))
        return {row.name: _view(row) for row in await self._session.scalars(query)}

    async def list(
        self, company_id: UUID, *, active: bool | None, after: UUID | None, limit: int
    ) -> Sequence[StoredVehicle]:
        query = _of_company(company_id)
        if active is not None:
            query = query.where(col(VehicleRow.active) == active)
        if after is not None:
            query = query.where(col(VehicleRow.id) > after)
        rows = await self._session.scalars(query.order_by(col(VehicleRow.id)).limit(limit))
        return [_view(row) for row in rows]


class OutageRepository:
    """Reads and writes outages within one session; lock the vehicle before writing."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, company_id: UUID, outage: Outage) -> None:
        query = sa.insert(VehicleOutageRow).values(company_id=company_id, **asdict(outage))
        await self._session.execute(query)

    async def delete(self, company_id: UUID, vehicle_id: UUID, outage_id: UUID) -> bool:
        query = sa.delete(VehicleOutageRow).where(
            col(VehicleOutageRow.company_id) == company_id,
            col(VehicleOutageRow.vehicle_id) == vehicle_id,
            col(VehicleOutageRow.id) == outage_id,
        )
        return await self._session.scalar(query.returning(col(VehicleOutageRow.id))) is not None

    async def overlapping(
        self, company_id: UUID, vehicle_id: UUID, begin: datetime, end: datetime
    ) -> Sequence[Outage]:
        query = _outages(company_id, vehicle_id).where(
            col(VehicleOutageRow.starts_at) < end, col(VehicleOutageRow.ends_at) > begin
        )
        rows = await self._session.scalars(query.order_by(col(VehicleOutageRow.starts_at)))
        return [_outage(row) for row in rows]

    async def list(
        self, company_id: UUID, vehicle_id: UUID, *, after: UUID | None, limit: int
    ) -> Sequence[Outage]:
        query = _outages(company_id, vehicle_id)
        if after is not None:
            query = query.where(col(VehicleOutageRow.id) > after)
        rows = await self._session.scalars(query.order_by(col(VehicleOutageRow.id)).limit(limit))
        return [_outage(row) for row in rows]


def _of_company(company_id: UUID) -> sa.Select[VehicleRow]:
    query = sa.select(VehicleRow).where(col(VehicleRow.company_id) == company_id)
    return query.execution_options(populate_existing=True)


def _outages(company_id: UUID, vehicle_id: UUID) -> sa.Select[VehicleOutageRow]:
    return sa.select(VehicleOutageRow).where(
        col(VehicleOutageRow.company_id) == company_id,
        col(VehicleOutageRow.vehicle_id) == vehicle_id,
    )


def _view(row: VehicleRow) -> StoredVehicle:
    return StoredVehicle(**row.model_dump(exclude={"company_id"}))


def _outage(row: VehicleOutageRow) -> Outage:
    return Outage(**row.model_dump(exclude={"company_id"}))
