"""Bookings and duties of the database as the engine's day records: ids only, no names.

A place that no vehicle may be sent to by itself gets no point, so that its booking is held.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from atmr_engine.formats.day import (
    BookingRecord,
    BreakRecord,
    Direction,
    DutyRecord,
    Mobility,
    Place,
    Point,
)
from atmr_engine.problem import Capacity, DriverKind
from dispatch_api.bookings.domain import PlannableBooking
from dispatch_api.duties.domain import DutyOfDay
from dispatch_api.places.domain import LocatedPlace

Located = Mapping[UUID, LocatedPlace]


def booking_record(booking: PlannableBooking, located: Located) -> BookingRecord:
    """The booking as planning takes it; a will-call patient who is ready is ready from then on.

    A pin is of no use once a crew has begun: the duty that did it is what counts.
    """
    linked = booking.linked_booking_id
    pin = None if booking.fixed else booking.locked_duty_id
    return BookingRecord(
        id=str(booking.id),
        patient_ref=str(booking.patient_id),
        direction=Direction(booking.direction),
        linked_booking_id=str(linked) if linked else None,
        mobility=Mobility(booking.mobility),
        pickup=_place(booking.pickup_place_id, located),
        dropoff=_place(booking.dropoff_place_id, located),
        pickup_from=booking.pickup_from,
        pickup_to=booking.pickup_to,
        appointment_at=booking.appointment_at,
        will_call=booking.will_call,
        ready_forecast=booking.ready_at or booking.ready_forecast,
        ready_known=booking.ready_at is not None,
        companions=booking.companions,
        equipment=frozenset(booking.equipment),
        skills=frozenset(booking.skills),
        crew_needed=booking.crew_needed,
        ride_alone=booking.ride_alone,
        share_group=booking.share_group,
        service_pickup_min=booking.service_pickup_min,
        service_dropoff_min=booking.service_dropoff_min,
        max_ride_min=booking.max_ride_min,
        priority=booking.priority,
        locked_duty=str(pin) if pin else None,
    )


def duty_record(duty: DutyOfDay, located: Located) -> DutyRecord:
    """The duty as planning takes it."""
    return DutyRecord(
        id=str(duty.id),
        driver=duty.driver,
        vehicle=duty.vehicle,
        capacity=Capacity(
            seats=duty.seats,
            wheelchairs=duty.wheelchairs,
            stretchers=duty.stretchers,
            fold_seats_per_wheelchair=duty.fold_seats_per_wheelchair,
            fold_seats_per_stretcher=duty.fold_seats_per_stretcher,
        ),
        shift_start=duty.starts_at,
        shift_end=duty.ends_at,
        driver_kind=DriverKind(duty.driver_kind),
        equipment=duty.equipment,
        skills=duty.skills,
        crew=duty.crew,
        start=_point(duty.start_place_id, located),
        end=_point(duty.end_place_id, located),
        breaks=tuple(
            BreakRecord(minutes=pause.minutes, earliest=pause.earliest, latest=pause.latest)
            for pause in duty.breaks
        ),
    )


def _place(place_id: UUID, located: Located) -> Place:
    return Place(address=f"place {place_id}", point=_point(place_id, located))


def _point(place_id: UUID | None, located: Located) -> Point | None:
    place = located.get(place_id) if place_id else None
    if place is None or not place.dispatchable or place.lat is None or place.lon is None:
        return None
    return Point(place.lat, place.lon)
