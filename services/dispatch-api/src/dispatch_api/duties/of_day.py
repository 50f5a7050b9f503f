"""Reads a day's duties for planning: vehicles, crews with skills, shifts with breaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from dispatch_api.drivers.domain import Break
from dispatch_api.drivers.repository import credentials_of, shift_of
from dispatch_api.drivers.tables import DriverRow, ShiftRow
from dispatch_api.duties.domain import DutyOfDay, Span, share_breaks
from dispatch_api.duties.tables import DutyCrewRow, DutyRow
from dispatch_api.vehicles.tables import VehicleRow

Crews = Mapping[UUID, Sequence[DriverRow]]


async def read_duties_of_day(session: AsyncSession, company_id: UUID, day: date) -> list[DutyOfDay]:
    """The duties that start on `day` and are not cancelled, by name."""
    query = (
        sa.select(DutyRow, VehicleRow)
        .join(
            VehicleRow,
            sa.and_(
                col(VehicleRow.company_id) == col(DutyRow.company_id),
                col(VehicleRow.id) == col(DutyRow.vehicle_id),
            ),
        )
        .where(
            col(DutyRow.company_id) == company_id,
            col(DutyRow.day) == day,
            col(DutyRow.cancelled_at).is_(None),
        )
        .order_by(col(DutyRow.name), col(DutyRow.id))
    )
    found = [(duty, vehicle) for duty, vehicle in (await session.execute(query))]
    if not found:
        return []
    duties = [duty for duty, _ in found]
    crews = await _crews(session, company_id, duties)
    breaks = await _breaks(session, company_id, duties, crews)
    return [
        _duty_of_day(duty, vehicle, crews[duty.id], breaks.get(duty.id, ()))
        for duty, vehicle in found
    ]


async def _crews(session: AsyncSession, company_id: UUID, duties: Sequence[DutyRow]) -> Crews:
    query = (
        sa.select(col(DutyCrewRow.duty_id), DriverRow)
        .join(
            DriverRow,
            sa.and_(
                col(DriverRow.company_id) == col(DutyCrewRow.company_id),
                col(DriverRow.id) == col(DutyCrewRow.driver_id),
            ),
        )
        .where(
            col(DutyCrewRow.company_id) == company_id,
            col(DutyCrewRow.duty_id).in_([duty.id for duty in duties]),
        )
        .order_by(col(DutyCrewRow.position))
    )
    crews: dict[UUID, list[DriverRow]] = {duty.id: [] for duty in duties}
    for duty_id, driver in await session.execute(query):
        crews[duty_id].append(driver)
    return crews


async def _breaks(
    session: AsyncSession, company_id: UUID, duties: Sequence[DutyRow], crews: Crews
) -> dict[UUID, Sequence[Break]]:
    """The breaks to be taken within each duty, from the shifts of those who drive them."""
    first, last = min(d.starts_at for d in duties), max(d.ends_at for d in duties)
    shifts = await session.scalars(
        sa.select(ShiftRow)
        .where(
            col(ShiftRow.company_id) == company_id,
            col(ShiftRow.driver_id).in_({crew[0].id for crew in crews.values()}),
            col(ShiftRow.starts_at) < last,
            col(ShiftRow.ends_at) > first,
        )
        .order_by(col(ShiftRow.starts_at))
    )
    breaks: dict[UUID, Sequence[Break]] = {}
    for shift in map(shift_of, shifts):
        worked = {
            duty.id: Span(begin=duty.starts_at, end=duty.ends_at)
            for duty in duties
            if crews[duty.id][0].id == shift.driver_id
            and shift.covers(duty.starts_at, duty.ends_at)
        }
        breaks.update(share_breaks(shift.breaks, worked).in_duty)
    return breaks


def _duty_of_day(
    duty: DutyRow, vehicle: VehicleRow, crew: Sequence[DriverRow], breaks: Sequence[Break]
) -> DutyOfDay:
    credentials = [credential for driver in crew for credential in credentials_of(driver)]
    skills = {item.skill for item in credentials if item.valid_on(duty.day)}
    return DutyOfDay(
        id=duty.id,
        version=duty.version,
        name=duty.name,
        vehicle=vehicle.name,
        driver=crew[0].name,
        driver_kind=crew[0].kind,
        seats=vehicle.seats,
        wheelchairs=vehicle.wheelchairs,
        stretchers=vehicle.stretchers,
        fold_seats_per_wheelchair=vehicle.fold_seats_per_wheelchair,
        fold_seats_per_stretcher=vehicle.fold_seats_per_stretcher,
        equipment=frozenset(vehicle.equipment),
        skills=frozenset(skills),
        crew=len(crew),
        breaks=tuple(breaks),
        starts_at=duty.starts_at,
        ends_at=duty.ends_at,
        start_place_id=duty.start_place_id,
        end_place_id=duty.end_place_id,
    )
