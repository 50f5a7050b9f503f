"""Use cases of dispatchers: hold and resume a booking, pin it to a duty and unpin it."""

from __future__ import annotations

from uuid import UUID

from atmr_common.web.access import Caller
from atmr_common.web.problems import NotFoundError
from dispatch_api.bookings.action_schemas import DutyLock, Hold
from dispatch_api.bookings.desk import BookingDesk
from dispatch_api.bookings.domain import WAITING, StoredBooking
from dispatch_api.bookings.errors import NotEditableError
from dispatch_api.bookings.schemas import Booking


async def hold_booking(
    desk: BookingDesk, caller: Caller, booking_id: UUID, hold: Hold, version: int | None
) -> Booking:
    """Keep a booking out of the next plans until it is resumed; its state stays."""
    booking = await _waiting(desk, caller, booking_id, version)
    if not booking.on_hold:
        reason = f"on hold: {hold.reason}"
        booking = await desk.change(caller, booking, {"on_hold": True}, reason=reason)
    return await desk.show(caller, booking)


async def resume_booking(
    desk: BookingDesk, caller: Caller, booking_id: UUID, version: int | None
) -> Booking:
    """Let the next plan have the booking again."""
    booking = await _waiting(desk, caller, booking_id, version)
    if booking.on_hold:
        booking = await desk.change(caller, booking, {"on_hold": False}, reason="resumed")
    return await desk.show(caller, booking)


async def lock_booking(
    desk: BookingDesk, caller: Caller, booking_id: UUID, lock: DutyLock, version: int | None
) -> Booking:
    """Pin a booking to a duty of its day; the next plan obeys."""
    booking = await _waiting(desk, caller, booking_id, version)
    if not await desk.related.duty_on(caller.company_id, lock.duty_id, booking.day):
        raise NotFoundError(f"There is no duty {lock.duty_id} on {booking.day}.")
    changed = await desk.change(
        caller, booking, {"locked_duty_id": lock.duty_id}, reason=f"locked to duty {lock.duty_id}"
    )
    return await desk.show(caller, changed)


async def unlock_booking(
    desk: BookingDesk, caller: Caller, booking_id: UUID, version: int | None
) -> Booking:
    """Let any duty take the booking again."""
    booking = await _waiting(desk, caller, booking_id, version)
    if booking.locked_duty_id is not None:
        changes = {"locked_duty_id": None}
        booking = await desk.change(caller, booking, changes, reason="unlocked")
    return await desk.show(caller, booking)


async def _waiting(
    desk: BookingDesk, caller: Caller, booking_id: UUID, version: int | None
) -> StoredBooking:
    """The booking, held; no crew may have begun with it."""
    booking = await desk.hold(caller, booking_id, version, plan=False)
    if booking.state not in WAITING:
        raise NotEditableError(f"The booking is {booking.state}; that is too late for this.")
    return booking
