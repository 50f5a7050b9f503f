"""Use case: change a booking; what a plan was made from leaves the plan when it changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from atmr_common.contracts.bookings import BookingChanged
from atmr_common.web.access import Caller
from dispatch_api.bookings.desk import BookingDesk
from dispatch_api.bookings.domain import BookingState, StoredBooking
from dispatch_api.bookings.errors import (
    NotEditableError,
    PlaceTooCoarseError,
)
from dispatch_api.bookings.intake import Intake, sealed_notes, settled_state, waiting_reason
from dispatch_api.bookings.request_booking import REFERENCE_TAKEN, refuse_taken
from dispatch_api.bookings.schemas import Booking, BookingChange
from dispatch_api.bookings.timing import local_day
from dispatch_api.uniqueness import unique

WITHOUT_EFFECT_ON_PLAN = frozenset({"sealed_notes", "reference", "purpose", "payer_reference"})
"""Can change while a crew is under way, and leave an assigned booking in its plan."""
TIMES = frozenset({"pickup_from", "pickup_to", "appointment_at", "will_call", "ready_forecast"})


async def edit_booking(
    desk: BookingDesk, caller: Caller, booking_id: UUID, change: BookingChange, version: int
) -> Booking:
    """Change what `change` names; an assigned booking is released unless only notes changed."""
    booking = await desk.hold(caller, booking_id, version)
    intake = await desk.intake(caller)
    changes = await _changes(desk, caller, intake, booking, change)
    if not changes:
        return await desk.show(caller, booking)
    for_plan = sorted(changes.keys() - WITHOUT_EFFECT_ON_PLAN)
    _refuse_too_late(booking, for_plan)
    if not for_plan:
        changed = await _change_quietly(desk, caller, booking, changes)
        return await desk.show(caller, changed)
    state, waits = await _state_after(desk, caller, booking, changes)
    if booking.state is BookingState.ASSIGNED:
        await desk.take_out_of_plan(caller, booking, "booking_changed")
    if state is not booking.state:
        changes["state"] = state
    reason = waits or f"changed: {', '.join(for_plan)}"[:300]
    async with unique(desk.session, REFERENCE_TAKEN):
        changed = await desk.change(caller, booking, changes, reason=reason)
    return await desk.show(caller, changed)


async def _change_quietly(
    desk: BookingDesk, caller: Caller, booking: StoredBooking, changes: dict[str, Any]
) -> StoredBooking:
    """Change what no plan and no crew depends on; the history is of states, and stays as it is."""
    async with unique(desk.session, REFERENCE_TAKEN):
        changed = await desk.bookings.update(caller.company_id, booking, changes)
    names = tuple(sorted(name.removeprefix("sealed_") for name in changes))
    event = BookingChanged(booking_id=booking.id, changed=names, state=booking.state)
    await desk.tell(caller, changed, event)
    return changed


async def _changes(
    desk: BookingDesk,
    caller: Caller,
    intake: Intake,
    booking: StoredBooking,
    change: BookingChange,
) -> dict[str, Any]:
    """The fields that become different, checked."""
    values = change.model_dump(exclude_unset=True)
    if "notes" in values:
        patient = await desk.patient(caller, booking.patient_id)
        notes = sealed_notes(intake.vault, patient, booking.patient_id, values.pop("notes"))
        values["sealed_notes"] = notes
    if values.get("reference") not in {None, booking.reference}:
        await refuse_taken(desk, caller.company_id, [values["reference"]])
    if values.keys() & (TIMES | {"day"}):
        values["day"] = _checked_day(intake, booking, values)
    if values.get("day") not in {None, booking.day}:
        values["locked_duty_id"] = None
    return {name: value for name, value in values.items() if value != getattr(booking, name)}


def _checked_day(intake: Intake, booking: StoredBooking, values: dict[str, Any]) -> Any:
    """The day on which the changed booking is; a new time moves it without being told."""
    merged = replace(booking, **{name: values[name] for name in values.keys() & TIMES})
    moved = replace(merged, day=values.get("day") or local_day(merged, intake.zone) or booking.day)
    intake.check_times(moved)
    return moved.day


def _refuse_too_late(booking: StoredBooking, for_plan: list[str]) -> None:
    if booking.state.ended:
        raise NotEditableError(f"The booking is {booking.state}; it cannot be changed any more.")
    if booking.state.under_way and for_plan:
        raise NotEditableError(
            f"The booking is {booking.state}; only its notes, reference, purpose and payer "
            "can be changed now.",
            fields=for_plan,
        )


async def _state_after(
    desk: BookingDesk, caller: Caller, booking: StoredBooking, changes: dict[str, Any]
) -> tuple[BookingState, str | None]:
    """The state that the changed booking goes to, and why it waits there if it does."""
    after = replace(booking, **changes)
    ends = (after.pickup_place_id, after.dropoff_place_id)
    agreed = (booking.pickup_place_id, booking.dropoff_place_id)
    places = await desk.places(caller, *ends, agreed=agreed)
    coarse = waiting_reason(after, places)
    if coarse and booking.state is not BookingState.REQUESTED:
        raise PlaceTooCoarseError(coarse)
    return settled_state(after, coarse), coarse
