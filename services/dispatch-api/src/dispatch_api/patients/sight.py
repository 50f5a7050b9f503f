"""Which patients a caller knows of.

A clinic knows those it created or has booked for, a driver those of own duties' bookings, all
others those of the company.
"""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from atmr_common.web.access import Caller
from atmr_common.web.identity import Role
from dispatch_api.bookings.tables import BookingRow
from dispatch_api.drivers.tables import DriverRow
from dispatch_api.duties.tables import DutyCrewRow
from dispatch_api.patients.tables import PatientRow
from dispatch_api.plans.tables import AssignmentRow

Condition = sa.ColumnElement[bool]


def sight_of(caller: Caller) -> Condition | None:
    """The condition on `PatientRow` by which the caller's sight is narrowed; None: it is not."""
    if caller.role is Role.CLINIC:
        return known_to_clinic(caller.subject)
    if caller.role is Role.DRIVER:
        return carried_by_driver(caller.subject)
    return None


def known_to_clinic(subject: str) -> Condition:
    """The condition on `PatientRow`, of whichever company the query is about."""
    booked = sa.exists().where(
        col(BookingRow.company_id) == col(PatientRow.company_id),
        col(BookingRow.patient_id) == col(PatientRow.id),
        col(BookingRow.booked_by) == subject,
    )
    return sa.or_(col(PatientRow.created_by) == subject, booked)


def carried_by_driver(subject: str) -> Condition:
    """The condition on `PatientRow`: a booking of theirs is in the route of an own duty."""
    return sa.exists().where(
        col(BookingRow.company_id) == col(PatientRow.company_id),
        col(BookingRow.patient_id) == col(PatientRow.id),
        assigned_to_driver(subject),
    )


def assigned_to_driver(subject: str) -> Condition:
    """The condition on `BookingRow`: the present plan has it in a duty of the driver's."""
    return sa.exists().where(
        col(AssignmentRow.company_id) == col(BookingRow.company_id),
        col(AssignmentRow.booking_id) == col(BookingRow.id),
        col(DutyCrewRow.company_id) == col(AssignmentRow.company_id),
        col(DutyCrewRow.duty_id) == col(AssignmentRow.duty_id),
        crew_is(subject),
    )


def crew_is(subject: str) -> Condition:
    """The condition on `DutyCrewRow`: the driver whose token has this subject."""
    return sa.exists().where(
        col(DriverRow.company_id) == col(DutyCrewRow.company_id),
        col(DriverRow.id) == col(DutyCrewRow.driver_id),
        col(DriverRow.subject) == subject,
    )


async def out_of_sight(session: AsyncSession, caller: Caller, patient_id: UUID) -> bool:
    """Whether the caller may not know that this patient exists."""
    condition = sight_of(caller)
    if condition is None:
        return False
    query = sa.select(col(PatientRow.id)).where(
        col(PatientRow.company_id) == caller.company_id,
        col(PatientRow.id) == patient_id,
        condition,
    )
    return await session.scalar(query) is None
