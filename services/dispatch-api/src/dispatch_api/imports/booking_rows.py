"""A row of a bookings file as the API knows bookings, and how it differs from what is there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import ValidationError

from atmr_engine.formats.day_records import BookingRecord, Direction
from dispatch_api.bookings.domain import StoredBooking
from dispatch_api.bookings.schemas import BookingChange, NewBooking
from dispatch_api.imports.drafts import Draft

COLUMN_OF = {
    "reference": "booking_id",
    "pickup_place_id": "pickup_address",
    "dropoff_place_id": "dropoff_address",
    "day": None,
}
EDITABLE = (
    "day",
    "pickup_place_id",
    "dropoff_place_id",
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
)
INTERVAL = {"pickup_from", "pickup_to"}
"""Known better here once the patient said that they are ready."""
COPIED = tuple(name for name in EDITABLE if name not in {"day", "equipment"})


def patient_reference(record: BookingRecord, root: str) -> str:
    """Whose booking it is; where the file does not say, a patient of this trip alone."""
    return record.patient_ref or f"booking {root}"


def home_end(record: BookingRecord) -> str:
    """The end of the trip where the patient lives."""
    return "pickup" if record.direction is Direction.ALLER else "dropoff"


def new_booking(
    draft: Draft[BookingRecord], record: BookingRecord, patient_id: UUID, places: dict[str, UUID]
) -> NewBooking | None:
    """The request that the row stands for; None when its values are out of bounds."""
    values: dict[str, Any] = {
        name: getattr(record, name) for name in COPIED if not name.endswith("place_id")
    } | {"mobility": record.mobility.value}
    try:
        return NewBooking(
            **values,
            reference=record.id,
            notes=record.notes or None,
            equipment=sorted(record.equipment),
            patient_id=patient_id,
            direction=record.direction.value,
            pickup_place_id=places["pickup"],
            dropoff_place_id=places["dropoff"],
        )
    except ValidationError as error:
        for item in error.errors():
            field = str(item["loc"][0]) if item["loc"] else ""
            draft.refuse(COLUMN_OF.get(field, field or None), item["msg"], "correct the value")
    return None


def differences(
    new: NewBooking, stored: StoredBooking, stored_notes: str | None
) -> BookingChange | None:
    """What to change of the stored booking so that it is what the row says; None: nothing."""
    compared = set(EDITABLE) - (INTERVAL if stored.ready_at else set())
    values = {
        name: getattr(new, name)
        for name in sorted(compared)
        if getattr(new, name) != getattr(stored, name)
    }
    if new.notes != stored_notes:
        values["notes"] = new.notes
    return BookingChange(**values) if values else None


def conflict(
    new: NewBooking, stored: StoredBooking, linked_id: UUID | None
) -> tuple[str | None, str] | None:
    """Column and message where the stored booking cannot become what the row says."""
    if stored.patient_id != new.patient_id:
        return "patient_ref", "the booking here is of another patient"
    if stored.direction.value != new.direction.value:
        return "direction", f"the booking here is a {stored.direction}"
    if stored.linked_booking_id != linked_id:
        return "linked_booking_id", "the booking here has another link"
    return None
