"""Events of a booking's life; the key is the booking's id."""

from __future__ import annotations

from uuid import UUID

from pydantic import AwareDatetime

from atmr_common.contracts.envelope import Event


class BookingRequested(Event):
    """A transport was asked for."""

    booking_id: UUID
    patient_id: UUID
    direction: str
    linked_booking_id: UUID | None = None
    pickup_from: AwareDatetime | None = None
    pickup_to: AwareDatetime | None = None
    appointment_at: AwareDatetime | None = None
    mobility: str
    state: str


class BookingChanged(Event):
    """A booking was edited or moved to another state; `changed` names the fields."""

    booking_id: UUID
    changed: tuple[str, ...]
    state: str


class BookingReady(Event):
    """A will-call patient is ready to be picked up."""

    booking_id: UUID
    ready_at: AwareDatetime


class BookingCancelled(Event):
    """A transport will not take place."""

    booking_id: UUID
    by: str
    reason: str
    late: bool


class BookingNoShow(Event):
    """The driver waited and the patient did not come; later legs are on hold."""

    booking_id: UUID
    held_booking_ids: tuple[UUID, ...] = ()
