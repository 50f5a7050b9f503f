"""Use case: the patient did not come, though the crew called and waited inside the window.

Later legs of the patient's day go on hold for a dispatcher; they are never cancelled by themselves.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from atmr_common.contracts.bookings import BookingNoShow
from atmr_common.web.access import Caller
from dispatch_api.bookings.action_schemas import NoShow, NoShowReport
from dispatch_api.bookings.desk import BookingDesk, allow
from dispatch_api.bookings.domain import BookingState, StoredBooking
from dispatch_api.bookings.errors import NoShowTooEarlyError
from dispatch_api.bookings.report_progress import status_of


async def report_no_show(
    desk: BookingDesk,
    caller: Caller,
    booking_id: UUID,
    report: NoShowReport,
    version: int | None,
) -> NoShow:
    """Record a no-show, and put the later legs of the patient's day on hold."""
    booking = await desk.hold(caller, booking_id, version)
    allow(booking, BookingState.NO_SHOW)
    await _require_patience(desk, caller, booking)
    held = await _hold_later_legs(desk, caller, booking)
    await desk.take_out_of_plan(caller, booking, "no_show")
    changed = await desk.change(
        caller,
        booking,
        {"state": BookingState.NO_SHOW},
        reason=f"called and waited; {report.remark}" if report.remark else "called and waited",
        event=BookingNoShow(booking_id=booking.id, held_booking_ids=tuple(held)),
    )
    return NoShow(**status_of(changed).model_dump(), held_booking_ids=held)


async def _require_patience(desk: BookingDesk, caller: Caller, booking: StoredBooking) -> None:
    """Raises NoShowTooEarlyError until the crew has waited long enough inside the window."""
    company = await desk.company(caller.company_id)
    waits_from = await _waits_from(desk, caller, booking)
    possible_at = waits_from + timedelta(minutes=company.settings.no_show_wait_min)
    if desk.ports.clock.now() < possible_at:
        raise NoShowTooEarlyError(
            f"Wait {company.settings.no_show_wait_min} minutes inside the pickup window: "
            f"until {possible_at.isoformat()}.",
            possible_at=possible_at.isoformat(),
        )


async def _waits_from(desk: BookingDesk, caller: Caller, booking: StoredBooking) -> datetime:
    """Since when the patient keeps the crew waiting: the arrival, or the window's opening."""
    history = await desk.bookings.history(caller.company_id, booking.id)
    arrived = [entry.at for entry in history if entry.to_state is BookingState.ARRIVED]
    opens = booking.pickup_from
    if opens is None:
        duty = await desk.related.assigned_duty(caller.company_id, booking.id)
        opens = duty.planned_pickup_at if duty else None
    return max([arrived[-1], *([opens] if opens else [])])


async def _hold_later_legs(desk: BookingDesk, caller: Caller, booking: StoredBooking) -> list[UUID]:
    """The legs that are now on hold, in the order of their ids."""
    candidates = await desk.related.waiting_legs(caller.company_id, booking.patient_id, booking.day)
    legs = await desk.bookings.find_all(caller.company_id, candidates, lock=True)
    later = [leg for leg in legs.values() if not leg.on_hold and _comes_after(leg, booking)]
    for leg in later:
        reason = "on hold: the patient did not come to an earlier leg"
        await desk.change(caller, leg, {"on_hold": True}, reason=reason)
    return [leg.id for leg in later]


def _comes_after(leg: StoredBooking, booking: StoredBooking) -> bool:
    if leg.linked_booking_id == booking.id or leg.first_moment is None:
        return True
    return booking.first_moment is None or leg.first_moment > booking.first_moment
