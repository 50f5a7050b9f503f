"""Which places a caller knows of.

A clinic knows the shared ones and the homes of patients it knows of, a driver the stops of own
bookings and the ends of own duties, all others those of the company.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from atmr_common.web.access import Caller
from atmr_common.web.identity import Role
from dispatch_api.bookings.tables import BookingRow
from dispatch_api.duties.tables import DutyCrewRow, DutyRow
from dispatch_api.patients.sight import Condition, assigned_to_driver, crew_is, known_to_clinic
from dispatch_api.patients.tables import PatientRow
from dispatch_api.places.tables import PlaceRow


async def hidden_places(
    session: AsyncSession, caller: Caller, place_ids: Collection[UUID]
) -> set[UUID]:
    """Those among `place_ids` that the caller may not know of, whether they exist or not."""
    condition = _sight_of(caller)
    if condition is None or not place_ids:
        return set()
    query = sa.select(col(PlaceRow.id)).where(
        col(PlaceRow.company_id) == caller.company_id, col(PlaceRow.id).in_(place_ids), condition
    )
    return set(place_ids) - set(await session.scalars(query))


def _sight_of(caller: Caller) -> Condition | None:
    if caller.role is Role.CLINIC:
        return sa.or_(col(PlaceRow.patient_id).is_(None), _home_known_to_clinic(caller.subject))
    if caller.role is Role.DRIVER:
        return sa.or_(_stop_of_driver(caller.subject), _end_of_driver(caller.subject))
    return None


def _home_known_to_clinic(subject: str) -> Condition:
    return sa.exists().where(
        col(PatientRow.company_id) == col(PlaceRow.company_id),
        col(PatientRow.id) == col(PlaceRow.patient_id),
        known_to_clinic(subject),
    )


def _stop_of_driver(subject: str) -> Condition:
    ends = (col(BookingRow.pickup_place_id), col(BookingRow.dropoff_place_id))
    return sa.exists().where(
        col(BookingRow.company_id) == col(PlaceRow.company_id),
        col(PlaceRow.id).in_(ends),
        assigned_to_driver(subject),
    )


def _end_of_driver(subject: str) -> Condition:
    ends = (col(DutyRow.start_place_id), col(DutyRow.end_place_id))
    return sa.exists().where(
        col(DutyRow.company_id) == col(PlaceRow.company_id),
        col(PlaceRow.id).in_(ends),
        col(DutyCrewRow.company_id) == col(DutyRow.company_id),
        col(DutyCrewRow.duty_id) == col(DutyRow.id),
        crew_is(subject),
    )
