"""Days written straight into the database, for tests of what planning makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from atmr_common.runtime.identifiers import new_id
from atmr_engine.formats.day import BookingRecord, Day, DutyRecord
from dispatch_api.bookings.domain import BookingState, Direction, Mobility, StoredBooking
from dispatch_api.bookings.repository import BookingRepository
from dispatch_api.drivers.domain import Break, DriverKind, Shift, StoredDriver
from dispatch_api.drivers.repository import DriverRepository, ShiftRepository
from dispatch_api.duties.domain import StoredDuty
from dispatch_api.duties.repository import DutyRepository
from dispatch_api.geocoding.port import Precision
from dispatch_api.patients.tables import PatientRow
from dispatch_api.places.tables import PlaceRow
from dispatch_api.vehicles.tables import VehicleRow

BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class StoredDay:
    """The ids under which a generated day was stored, by the day's own ids."""

    date: date
    bookings: dict[str, UUID]
    duties: dict[str, UUID]


async def store_day(session: AsyncSession, company_id: UUID, day: Day) -> StoredDay:
    """Write every booking and duty of `day`, with what they refer to."""
    duties = {duty.id: await _duty(session, company_id, day, duty) for duty in day.duties}
    bookings: dict[str, UUID] = {}
    ordered = sorted(day.bookings, key=lambda booking: booking.linked_booking_id is not None)
    for record in ordered:
        linked = bookings.get(record.linked_booking_id or "")
        bookings[record.id] = await _booking(session, company_id, day, record, linked)
    return StoredDay(day.date, bookings, duties)


async def _booking(
    session: AsyncSession, company_id: UUID, day: Day, record: BookingRecord, linked: UUID | None
) -> UUID:
    patient = PatientRow(
        id=new_id(),
        company_id=company_id,
        data_key=None,
        sealed=None,
        mobility=record.mobility,
        created_at=BEFORE,
    )
    session.add(patient)
    await session.flush()
    booking = StoredBooking(
        id=new_id(),
        patient_id=patient.id,
        reference=record.id,
        direction=Direction(record.direction),
        linked_booking_id=linked,
        day=day.date,
        pickup_place_id=await _place(session, company_id, record.pickup.point),
        dropoff_place_id=await _place(session, company_id, record.dropoff.point),
        pickup_from=record.pickup_from,
        pickup_to=record.pickup_to,
        appointment_at=record.appointment_at,
        will_call=record.will_call,
        ready_forecast=record.ready_forecast,
        ready_at=None,
        mobility=Mobility(record.mobility),
        companions=record.companions,
        equipment=sorted(record.equipment),
        skills=sorted(record.skills),
        crew_needed=record.crew_needed,
        ride_alone=record.ride_alone,
        share_group=record.share_group,
        service_pickup_min=record.service_pickup_min,
        service_dropoff_min=record.service_dropoff_min,
        max_ride_min=record.max_ride_min,
        priority=record.priority,
        state=BookingState.CONFIRMED,
        locked_duty_id=None,
        version=1,
        purpose=None,
        payer_reference=None,
        sealed_notes=None,
        on_hold=False,
        booked_by="tests",
        created_at=BEFORE,
    )
    await BookingRepository(session).add_all(company_id, [booking])
    return booking.id


async def _place(
    session: AsyncSession, company_id: UUID, point: tuple[float, float] | None
) -> UUID:
    assert point is not None
    row = PlaceRow(
        id=new_id(),
        company_id=company_id,
        label="somewhere",
        lat=point[0],
        lon=point[1],
        precision=Precision.HOUSE,
        geocode_source="client",
        created_at=BEFORE,
    )
    session.add(row)
    await session.flush()
    return row.id


async def _duty(session: AsyncSession, company_id: UUID, day: Day, record: DutyRecord) -> UUID:
    vehicle = VehicleRow(
        id=new_id(),
        company_id=company_id,
        name=f"vehicle of {record.id}",
        seats=record.capacity.seats,
        wheelchairs=record.capacity.wheelchairs,
        stretchers=record.capacity.stretchers,
        fold_seats_per_wheelchair=record.capacity.fold_seats_per_wheelchair,
        equipment=sorted(record.equipment),
        created_at=BEFORE,
    )
    session.add(vehicle)
    await session.flush()
    crew = [await _driver(session, company_id, record, number) for number in range(record.crew)]
    duty = StoredDuty(
        id=new_id(),
        name=record.id,
        day=day.date,
        vehicle_id=vehicle.id,
        crew=tuple(crew),
        starts_at=record.shift_start,
        ends_at=record.shift_end,
        start_place_id=await _place(session, company_id, record.start) if record.start else None,
        end_place_id=await _place(session, company_id, record.end) if record.end else None,
        created_at=BEFORE,
    )
    await DutyRepository(session).add(company_id, duty)
    return duty.id


async def _driver(session: AsyncSession, company_id: UUID, record: DutyRecord, number: int) -> UUID:
    driver = StoredDriver(
        id=new_id(),
        name=f"driver {number} of {record.id}",
        kind=DriverKind(record.driver_kind),
        subject=f"driver-{number}-{record.id}",
        credentials=(),
        start_place_id=None,
        created_at=BEFORE,
    )
    await DriverRepository(session).add(company_id, driver)
    shift = Shift(
        id=new_id(),
        driver_id=driver.id,
        starts_at=record.shift_start,
        ends_at=record.shift_end,
        breaks=tuple(
            Break(
                minutes=pause.minutes,
                earliest=pause.earliest or record.shift_start + timedelta(hours=2),
                latest=pause.latest or record.shift_end - timedelta(hours=2),
            )
            for pause in record.breaks
        ),
    )
    await ShiftRepository(session).add(company_id, shift)
    return driver.id
