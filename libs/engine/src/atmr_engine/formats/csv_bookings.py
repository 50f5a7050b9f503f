"""Rows of a bookings file to booking records; DOMAIN's columns are the specification."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.formats.csv_fields import FieldReader
from atmr_engine.formats.csv_table import Columns
from atmr_engine.formats.day_records import BookingRecord, Direction, Mobility, Place

if TYPE_CHECKING:
    from datetime import datetime

BOOKING_COLUMNS = Columns(
    known=(
        "booking_id",
        "patient_ref",
        "direction",
        "linked_booking_id",
        "pickup_address",
        "pickup_lat",
        "pickup_lon",
        "dropoff_address",
        "dropoff_lat",
        "dropoff_lon",
        "pickup_from",
        "pickup_to",
        "appointment_at",
        "will_call",
        "ready_forecast",
        "mobility",
        "companions",
        "equipment",
        "crew_needed",
        "ride_alone",
        "share_group",
        "service_pickup_min",
        "service_dropoff_min",
        "max_ride_min",
        "priority",
        "notes",
    ),
    required=frozenset({"booking_id", "mobility"}),
)
MOST_COMPANIONS = 20
MOST_CREW = 4
HIGHEST_PRIORITY = 100
LONGEST_SERVICE_MIN = 240
LONGEST_RIDE_MIN = 1_440


def booking_of(read: FieldReader) -> BookingRecord | None:
    """The booking of one row, or None where something in the row was refused."""
    linked = read.text("linked_booking_id") or None
    direction = read.choice("direction", Direction)
    mobility = read.choice("mobility", Mobility)
    read.required("mobility")
    record = BookingRecord(
        id=read.required("booking_id"),
        mobility=mobility or Mobility.AMBULATORY,
        pickup=_place(read, "pickup"),
        dropoff=_place(read, "dropoff"),
        patient_ref=read.text("patient_ref"),
        direction=direction or (Direction.RETOUR if linked else Direction.ALLER),
        linked_booking_id=linked,
        pickup_from=read.moment("pickup_from"),
        pickup_to=read.moment("pickup_to"),
        appointment_at=read.moment("appointment_at"),
        will_call=read.flag("will_call"),
        ready_forecast=read.moment("ready_forecast"),
        companions=read.count("companions", MOST_COMPANIONS) or 0,
        equipment=read.names("equipment"),
        crew_needed=read.count("crew_needed", MOST_CREW, low=1),
        ride_alone=read.flag("ride_alone"),
        share_group=read.text("share_group"),
        service_pickup_min=read.number("service_pickup_min", 0, LONGEST_SERVICE_MIN),
        service_dropoff_min=read.number("service_dropoff_min", 0, LONGEST_SERVICE_MIN),
        max_ride_min=read.number("max_ride_min", 1, LONGEST_RIDE_MIN),
        priority=read.count("priority", HIGHEST_PRIORITY) or 0,
        notes=read.text("notes"),
    )
    if read.good:
        _check_times(record, read)
    return record if read.good else None


def _place(read: FieldReader, end: str) -> Place:
    place = Place(address=read.text(f"{end}_address"), point=read.point(end))
    if not place.address and not (read.text(f"{end}_lat") or read.text(f"{end}_lon")):
        read.refuse(
            f"{end}_address",
            "neither an address nor coordinates",
            f"give {end}_address, or {end}_lat and {end}_lon",
        )
    return place


def first_moment(record: BookingRecord) -> datetime | None:
    """The moment that puts the booking on a day; None for a will-call leg without a forecast."""
    moments = (
        record.pickup_from,
        record.pickup_to,
        record.ready_forecast,
        record.appointment_at,
    )
    return next((moment for moment in moments if moment is not None), None)


def _check_times(record: BookingRecord, read: FieldReader) -> None:
    opens, closes, appointment = record.pickup_from, record.pickup_to, record.appointment_at
    if first_moment(record) is None and not record.will_call:
        read.refuse(
            "pickup_from",
            "no time at either end",
            "give pickup_from, pickup_to or appointment_at, or will_call yes with ready_forecast",
        )
    if record.ready_forecast and not record.will_call:
        read.refuse("ready_forecast", "will_call is not yes", "set will_call, or use pickup_from")
    if opens and closes and closes < opens:
        read.refuse(
            "pickup_to",
            f"the window closes ({closes:%H:%M}) before it opens ({opens:%H:%M})",
            "correct pickup_from or pickup_to",
        )
    opens = (record.ready_forecast if record.will_call else opens) or opens
    if opens and appointment and appointment < opens:
        read.refuse(
            "appointment_at",
            f"the appointment ({appointment:%H:%M}) is before the pickup opens ({opens:%H:%M})",
            "correct appointment_at or the pickup time",
        )
