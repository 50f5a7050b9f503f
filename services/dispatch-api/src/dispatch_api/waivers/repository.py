"""Waivers in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from dispatch_api.bookings.tables import BookingRow
from dispatch_api.duties.tables import DutyRow
from dispatch_api.waivers.schemas import Waiver
from dispatch_api.waivers.tables import WaiverRow

ERASED = "(erased with the patient)"


class WaiverRepository:
    """Reads and writes waivers within one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, company_id: UUID, waiver: Waiver) -> None:
        self._session.add(WaiverRow(company_id=company_id, **waiver.model_dump()))
        await self._session.flush()

    async def of_day(self, company_id: UUID, day: date) -> Sequence[Waiver]:
        query = (
            sa.select(WaiverRow)
            .where(col(WaiverRow.company_id) == company_id, col(WaiverRow.day) == day)
            .order_by(col(WaiverRow.id))
        )
        return [_view(row) for row in await self._session.scalars(query)]

    async def withdraw(self, company_id: UUID, waiver_id: UUID) -> bool:
        query = (
            sa.delete(WaiverRow)
            .where(col(WaiverRow.company_id) == company_id, col(WaiverRow.id) == waiver_id)
            .returning(col(WaiverRow.id))
        )
        return await self._session.scalar(query) is not None

    async def forget_words(self, company_id: UUID, patient_id: UUID) -> None:
        """Take the reasons out of the waivers for an erased patient's bookings."""
        theirs = sa.select(col(BookingRow.id)).where(
            col(BookingRow.company_id) == company_id, col(BookingRow.patient_id) == patient_id
        )
        query = sa.update(WaiverRow).where(
            col(WaiverRow.company_id) == company_id, col(WaiverRow.booking_id).in_(theirs)
        )
        await self._session.execute(query.values(reason=ERASED))

    async def subject_exists(self, company_id: UUID, waiver: Waiver) -> bool:
        """Whether the booking or duty is the company's, on the waiver's day."""
        table = BookingRow if waiver.booking_id else DutyRow
        query = sa.select(col(table.id)).where(
            col(table.company_id) == company_id,
            col(table.id) == (waiver.booking_id or waiver.duty_id),
            col(table.day) == waiver.day,
        )
        return await self._session.scalar(query) is not None


def _view(row: WaiverRow) -> Waiver:
    return Waiver.model_validate(row.model_dump(exclude={"company_id"}))
