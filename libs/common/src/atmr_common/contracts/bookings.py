"""Events of a booking's life; the key is the booking's id."""

from __future__ import annotations

from uuid import UUID

from pydantic import AwareDatetime

from atmr_common.contracts.envelope import Event
from atmr_common.contracts.vocabulary import Code, DirectionCode


class BookingRequested(Event):
    """A transport was asked for."""

    booking_id: UUID
    patient_id: UUID
    direction: DirectionCode
    linked_booking_id: UUID | None = None
    pickup_from: AwareDatetime | None = None
    pickup_to: AwareDatetime | None = None
    appointment_at: AwareDatetime | None = None
    mobility: Code
    state: Code


class BookingChanged(Event):
    """A booking was edited or moved to another state; `changed` names the fields."""

    booking_id: UUID
    changed: tuple[Code, ...]
    state: Code


class BookingReady(Event):
    """A will-call patient is ready to be picked up."""

    booking_id: UUID
    ready_at: AwareDatetime


class BookingCancelled(Event):
    """A transport will not take place; `by` is a role, and `reason` a code: words stay inside."""

    booking_id: UUID
    by: Code
    reason: Code
    late: bool


class BookingNoShow(Event):
    """The driver waited and the patient did not come; later legs are on hold."""

    booking_id: UUID
    held_booking_ids: tuple[UUID, ...] = ()
