"""What planning reads of bookings, and how it moves them set by set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from support.dispatch_client import TODAY, DispatchApi

from atmr_common.database.tenancy import OWNER
from atmr_common.runtime.identifiers import new_id
from dispatch_api.bookings.domain import (
    BookingState,
    Direction,
    Mobility,
    NotPlannableError,
    StoredBooking,
)
from dispatch_api.bookings.repository import BookingRepository
from dispatch_api.geocoding.port import Precision
from dispatch_api.patients.tables import PatientRow
from dispatch_api.places.tables import PlaceRow

DAY = date(2026, 3, 16)


@pytest.fixture
async def session(dispatch_api: DispatchApi) -> AsyncIterator[AsyncSession]:
    async with dispatch_api.ports.database.transaction(OWNER) as open_session:
        yield open_session


async def _patient(session: AsyncSession, company_id: UUID) -> UUID:
    row = PatientRow(
        id=new_id(),
        company_id=company_id,
        data_key=None,
        sealed=None,
        mobility="ambulatory",
        created_at=TODAY,
    )
    session.add(row)
    await session.flush()
    return row.id


async def _place(session: AsyncSession, company_id: UUID) -> UUID:
    row = PlaceRow(
        id=new_id(),
        company_id=company_id,
        label="Clinic",
        lat=46.2,
        lon=6.15,
        precision=Precision.HOUSE,
        geocode_source="client",
        created_at=TODAY,
    )
    session.add(row)
    await session.flush()
    return row.id


async def _booking(
    session: AsyncSession,
    company_id: UUID,
    state: BookingState = BookingState.CONFIRMED,
    **fields: object,
) -> UUID:
    values: dict[str, object] = {
        "id": new_id(),
        "patient_id": await _patient(session, company_id),
        "pickup_place_id": await _place(session, company_id),
        "dropoff_place_id": await _place(session, company_id),
        "day": DAY,
        "state": state,
    }
    booking = StoredBooking(**(EMPTY | values | fields))  # type: ignore[arg-type]  # a fixture's free fields
    await BookingRepository(session).add_all(company_id, [booking])
    return booking.id


EMPTY: dict[str, object] = {
    "reference": None,
    "direction": Direction.ALLER,
    "linked_booking_id": None,
    "pickup_from": TODAY + timedelta(hours=2),
    "pickup_to": None,
    "appointment_at": None,
    "will_call": False,
    "ready_forecast": None,
    "ready_at": None,
    "mobility": Mobility.WHEELCHAIR,
    "companions": 1,
    "equipment": ["oxygen"],
    "skills": [],
    "crew_needed": None,
    "ride_alone": True,
    "share_group": "",
    "service_pickup_min": None,
    "service_dropoff_min": 4.5,
    "max_ride_min": 50.0,
    "priority": 3,
    "locked_duty_id": None,
    "version": 1,
    "purpose": None,
    "payer_reference": None,
    "sealed_notes": None,
    "on_hold": False,
    "booked_by": "tester",
    "created_at": TODAY,
}


async def test_a_plan_reads_what_can_be_planned_and_what_is_fixed(
    session: AsyncSession, company_id: UUID
) -> None:
    by_state = {state: await _booking(session, company_id, state) for state in BookingState}
    held = await _booking(session, company_id, on_hold=True)
    other_day = await _booking(session, company_id, day=date(2026, 3, 17))
    plannable = await BookingRepository(session).plannable(company_id, DAY)
    found = {booking.id: booking.fixed for booking in plannable}
    assert held not in found
    assert other_day not in found
    assert found == {
        by_state[BookingState.CONFIRMED]: False,
        by_state[BookingState.ASSIGNED]: False,
        by_state[BookingState.EN_ROUTE]: True,
        by_state[BookingState.ARRIVED]: True,
        by_state[BookingState.ON_BOARD]: True,
        by_state[BookingState.COMPLETED]: True,
    }


async def test_a_plannable_booking_keeps_every_field(
    session: AsyncSession, company_id: UUID
) -> None:
    await _booking(session, company_id)
    (booking,) = await BookingRepository(session).plannable(company_id, DAY)
    assert {name: getattr(booking, name) for name in ("priority", "max_ride_min", "equipment")} == {
        "priority": 3,
        "max_ride_min": 50.0,
        "equipment": ["oxygen"],
    }
    assert booking.pickup_from == TODAY + timedelta(hours=2)
    assert booking.mobility is Mobility.WHEELCHAIR


async def test_assigning_and_releasing_raise_versions_and_write_history(
    session: AsyncSession, company_id: UUID
) -> None:
    bookings = BookingRepository(session)
    ids = [await _booking(session, company_id) for _ in range(3)]
    assert await bookings.assign_all(company_id, ids, by="run", at=TODAY) == dict.fromkeys(ids, 2)
    released = await bookings.release_all(company_id, ids[:1], by="run", at=TODAY, reason="why")
    assert released == {ids[0]: 3}
    states = {key: found.state for key, found in (await bookings.find_all(company_id, ids)).items()}
    assert states == {
        ids[0]: BookingState.CONFIRMED,
        ids[1]: BookingState.ASSIGNED,
        ids[2]: BookingState.ASSIGNED,
    }
    history = await bookings.history(company_id, ids[0])
    assert [(entry.from_state, entry.to_state, entry.reason) for entry in history] == [
        (BookingState.CONFIRMED, BookingState.ASSIGNED, None),
        (BookingState.ASSIGNED, BookingState.CONFIRMED, "why"),
    ]


async def test_releasing_leaves_alone_what_is_not_assigned(
    session: AsyncSession, company_id: UUID
) -> None:
    bookings = BookingRepository(session)
    on_board = await _booking(session, company_id, BookingState.ON_BOARD)
    assert await bookings.release_all(company_id, [on_board], by="run", at=TODAY) == {}
    assert await bookings.history(company_id, on_board) == []


@pytest.mark.parametrize("state", [BookingState.CANCELLED, BookingState.ASSIGNED])
async def test_what_is_not_confirmed_is_not_assigned(
    session: AsyncSession, company_id: UUID, state: BookingState
) -> None:
    good, bad = await _booking(session, company_id), await _booking(session, company_id, state)
    with pytest.raises(NotPlannableError) as refusal:
        await BookingRepository(session).assign_all(company_id, [good, bad], by="run", at=TODAY)
    assert refusal.value.booking_ids == [bad]


async def test_another_company_moves_and_locks_nothing(
    session: AsyncSession, company_id: UUID
) -> None:
    bookings = BookingRepository(session)
    booking, stranger = await _booking(session, company_id), uuid4()
    assert await bookings.plannable(stranger, DAY) == []
    assert await bookings.lock_versions(stranger, [booking]) == {}
    assert await bookings.release_all(stranger, [booking], by="run", at=TODAY) == {}
    with pytest.raises(NotPlannableError):
        await bookings.assign_all(stranger, [booking], by="run", at=TODAY)


async def test_two_plans_that_lock_the_same_bookings_wait_for_each_other(
    dispatch_api: DispatchApi, company_id: UUID
) -> None:
    database = dispatch_api.ports.database
    async with database.transaction(OWNER) as session:
        ids = [await _booking(session, company_id) for _ in range(4)]

    async def assign(order: list[UUID]) -> str:
        try:
            async with database.transaction(OWNER) as session:
                await BookingRepository(session).assign_all(company_id, order, by="run", at=TODAY)
        except NotPlannableError:
            return "refused"
        return "assigned"

    outcomes = await asyncio.gather(assign(ids), assign(ids[::-1]))
    assert sorted(outcomes) == ["assigned", "refused"]
