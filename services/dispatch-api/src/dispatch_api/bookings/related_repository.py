"""What stands around a booking: its patient's key, its duty and crew, its other legs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from dispatch_api.bookings.domain import WAITING, BookingState, Mobility
from dispatch_api.bookings.tables import BookingRow, BookingTransitionRow
from dispatch_api.drivers.tables import DriverRow
from dispatch_api.duties.tables import DutyCrewRow, DutyRow
from dispatch_api.patients.tables import PatientRow
from dispatch_api.plans.tables import AssignmentRow

GONE = (BookingState.CANCELLED, BookingState.NO_SHOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportedPatient:
    """What a booking needs of its patient."""

    data_key: bytes
    mobility: Mobility


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedDuty:
    """The duty whose route holds a booking; `crew` are subjects of tokens."""

    duty_id: UUID
    planned_pickup_at: datetime
    crew: frozenset[str]


class RelatedRepository:
    """Reads rows of other features that booking rules need, within one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def patients(
        self, company_id: UUID, patient_ids: Collection[UUID], *, hold: bool = False
    ) -> dict[UUID, TransportedPatient]:
        """Those who were not erased; `hold` makes an erasure wait for this transaction."""
        query = (
            sa.select(col(PatientRow.id), col(PatientRow.data_key), col(PatientRow.mobility))
            .where(
                col(PatientRow.company_id) == company_id,
                col(PatientRow.id).in_(patient_ids),
                col(PatientRow.data_key).is_not(None),
            )
            .order_by(col(PatientRow.id))
        )
        rows = await self._session.execute(query.with_for_update(read=True) if hold else query)
        return {
            row.id: TransportedPatient(data_key=row.data_key, mobility=Mobility(row.mobility))
            for row in rows
        }

    async def reasons(self, company_id: UUID, booking_ids: Collection[UUID]) -> dict[UUID, str]:
        """The reason of each booking's latest transition, where it has one."""
        query = (
            sa.select(col(BookingTransitionRow.booking_id), col(BookingTransitionRow.reason))
            .ext(distinct_on(col(BookingTransitionRow.booking_id)))
            .where(
                col(BookingTransitionRow.company_id) == company_id,
                col(BookingTransitionRow.booking_id).in_(booking_ids),
            )
            .order_by(col(BookingTransitionRow.booking_id), col(BookingTransitionRow.id).desc())
        )
        rows = await self._session.execute(query)
        return {row.booking_id: row.reason for row in rows if row.reason is not None}

    async def assigned_duty(self, company_id: UUID, booking_id: UUID) -> AssignedDuty | None:
        """The duty of the present plan that has this booking."""
        same_duty = sa.and_(
            col(DutyCrewRow.company_id) == col(AssignmentRow.company_id),
            col(DutyCrewRow.duty_id) == col(AssignmentRow.duty_id),
        )
        same_driver = sa.and_(
            col(DriverRow.company_id) == col(DutyCrewRow.company_id),
            col(DriverRow.id) == col(DutyCrewRow.driver_id),
        )
        query = (
            sa.select(
                col(AssignmentRow.duty_id),
                col(AssignmentRow.planned_pickup_at),
                col(DriverRow.subject),
            )
            .outerjoin(DutyCrewRow, same_duty)
            .outerjoin(DriverRow, same_driver)
            .where(
                col(AssignmentRow.company_id) == company_id,
                col(AssignmentRow.booking_id) == booking_id,
            )
        )
        rows = (await self._session.execute(query)).all()
        if not rows:
            return None
        return AssignedDuty(
            duty_id=rows[0].duty_id,
            planned_pickup_at=rows[0].planned_pickup_at,
            crew=frozenset(row.subject for row in rows if row.subject is not None),
        )

    async def has_return(self, company_id: UUID, aller_id: UUID) -> bool:
        """Whether a RETOUR that is still to come, or was, points to this ALLER."""
        query = sa.select(
            sa.exists().where(
                col(BookingRow.company_id) == company_id,
                col(BookingRow.linked_booking_id) == aller_id,
                col(BookingRow.state).not_in(GONE),
            )
        )
        return bool(await self._session.scalar(query))

    async def taken_references(self, company_id: UUID, references: Collection[str]) -> set[str]:
        query = sa.select(col(BookingRow.reference)).where(
            col(BookingRow.company_id) == company_id, col(BookingRow.reference).in_(references)
        )
        return {reference for reference in await self._session.scalars(query) if reference}

    async def waiting_legs(self, company_id: UUID, patient_id: UUID, day: date) -> Sequence[UUID]:
        """The patient's legs of a day with which no crew has begun."""
        query = (
            sa.select(col(BookingRow.id))
            .where(
                col(BookingRow.company_id) == company_id,
                col(BookingRow.patient_id) == patient_id,
                col(BookingRow.day) == day,
                col(BookingRow.state).in_(WAITING),
            )
            .order_by(col(BookingRow.id))
        )
        return (await self._session.scalars(query)).all()

    async def duty_on(self, company_id: UUID, duty_id: UUID, day: date) -> bool:
        """Whether the duty exists on this day and was not cancelled."""
        query = sa.select(
            sa.exists().where(
                col(DutyRow.company_id) == company_id,
                col(DutyRow.id) == duty_id,
                col(DutyRow.day) == day,
                col(DutyRow.cancelled_at).is_(None),
            )
        )
        return bool(await self._session.scalar(query))
