"""Use case: cancel a transport; who, why and when stand in the history, and whether it was late."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from atmr_common.contracts.bookings import BookingCancelled
from atmr_common.web.access import Caller
from dispatch_api.bookings.action_schemas import Cancellation
from dispatch_api.bookings.desk import BookingDesk, allow
from dispatch_api.bookings.domain import BookingState, StoredBooking
from dispatch_api.bookings.schemas import Booking

DRIVEN_FOR = frozenset({BookingState.EN_ROUTE, BookingState.ARRIVED})
"""A vehicle is on its way or at the door: always late."""


async def cancel_booking(
    desk: BookingDesk,
    caller: Caller,
    booking_id: UUID,
    cancellation: Cancellation,
    version: int | None,
) -> Booking:
    """Cancel one leg; its other leg stays as it is, for a person to decide."""
    booking = await desk.hold(caller, booking_id, version)
    allow(booking, BookingState.CANCELLED)
    late = await _is_late(desk, caller, booking)
    at_the_door = booking.state is BookingState.ARRIVED
    reason = f"{cancellation.reason} (at the door)" if at_the_door else cancellation.reason
    await desk.take_out_of_plan(caller, booking, "booking_cancelled")
    event = BookingCancelled(
        booking_id=booking.id,
        by=caller.role,  # people's words and names stay in the history
        reason="at_the_door" if at_the_door else "cancelled",
        late=late,
    )
    changed = await desk.change(
        caller,
        booking,
        {"state": BookingState.CANCELLED, "on_hold": False, "locked_duty_id": None},
        reason=reason,
        late=late,
        event=event,
    )
    return await desk.show(caller, changed)


async def _is_late(desk: BookingDesk, caller: Caller, booking: StoredBooking) -> bool:
    if booking.state in DRIVEN_FOR:
        return True
    pickup = await _pickup_at(desk, caller, booking)
    if pickup is None:
        return False
    company = await desk.company(caller.company_id)
    notice = timedelta(minutes=company.settings.late_cancellation_min)
    return desk.ports.clock.now() > pickup - notice


async def _pickup_at(desk: BookingDesk, caller: Caller, booking: StoredBooking) -> datetime | None:
    """When the pickup would be: as asked for, else as planned, else the appointment."""
    asked = booking.pickup_from or booking.pickup_to or booking.ready_forecast
    if asked is not None:
        return asked
    planned = await desk.related.assigned_duty(caller.company_id, booking.id)
    return planned.planned_pickup_at if planned else booking.appointment_at
