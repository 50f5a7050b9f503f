"""Use cases: confirm what waits for a person, and mark a will-call patient ready."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from atmr_common.contracts.bookings import BookingReady
from atmr_common.web.access import Caller
from atmr_common.web.problems import FieldProblem, InvalidError
from dispatch_api.bookings.action_schemas import Readiness
from dispatch_api.bookings.desk import BookingDesk, allow
from dispatch_api.bookings.domain import TRANSITIONS, BookingState, StoredBooking
from dispatch_api.bookings.errors import PlaceTooCoarseError, TransitionRefusedError
from dispatch_api.bookings.intake import settled_state, waiting_reason
from dispatch_api.bookings.schemas import Booking

KNOWN_TIME = frozenset({BookingState.CONFIRMED, BookingState.ASSIGNED})


async def confirm_booking(
    desk: BookingDesk, caller: Caller, booking_id: UUID, version: int | None
) -> Booking:
    """Confirm a requested booking; on call and without a time it then awaits that."""
    booking = await desk.hold(caller, booking_id, version, plan=False)
    if booking.state is not BookingState.REQUESTED:
        raise _not_to_be_confirmed(booking)
    await _require_known_places(desk, caller, booking)
    changes = {"state": settled_state(booking, None)}
    changed = await desk.change(caller, booking, changes)
    return await desk.show(caller, changed)


async def mark_ready(
    desk: BookingDesk, caller: Caller, booking_id: UUID, ready: Readiness, version: int | None
) -> Booking:
    """The patient can be picked up: the interval begins now, and the booking can be planned.

    One that was planned at its forecast leaves the plan, and is planned again at its true time.
    """
    booking = await desk.hold(caller, booking_id, version)
    if not (booking.will_call and booking.state in KNOWN_TIME):
        allow(booking, BookingState.CONFIRMED)
        await _require_known_places(desk, caller, booking)
    company = await desk.company(caller.company_id)
    ready_at = ready.ready_at or desk.ports.clock.now()
    local = ready_at.astimezone(ZoneInfo(company.zone))
    if local.date() != booking.day:
        problem = FieldProblem(pointer="#/body/ready_at", detail=f"is not on {booking.day}")
        raise InvalidError(f"The booking is on {booking.day}.", errors=[problem])
    if booking.state is BookingState.ASSIGNED:
        await desk.take_out_of_plan(caller, booking, "ready_at_another_time")
    changes = _interval(ready_at, timedelta(minutes=company.settings.pickup_window_min))
    changes["state"] = BookingState.CONFIRMED
    event = BookingReady(booking_id=booking.id, ready_at=ready_at)
    reason = f"ready at {local:%H:%M}"
    changed = await desk.change(caller, booking, changes, reason=reason, event=event)
    return await desk.show(caller, changed)


def _not_to_be_confirmed(booking: StoredBooking) -> TransitionRefusedError:
    if booking.state is BookingState.AWAITING_READY:
        detail = "The booking waits for a time: mark it ready instead."
    else:
        detail = f"Only a requested booking can be confirmed; this one is {booking.state}."
    allowed = sorted(TRANSITIONS[booking.state] - {BookingState.CONFIRMED})
    return TransitionRefusedError(
        detail, state=booking.state, wanted=BookingState.CONFIRMED, allowed=allowed
    )


def _interval(ready_at: datetime, width: timedelta) -> dict[str, object]:
    """The pickup interval of a patient who is ready."""
    return {"ready_at": ready_at, "pickup_from": ready_at, "pickup_to": ready_at + width}


async def _require_known_places(desk: BookingDesk, caller: Caller, booking: StoredBooking) -> None:
    ends = (booking.pickup_place_id, booking.dropoff_place_id)
    coarse = waiting_reason(booking, await desk.places(caller, *ends, agreed=ends))
    if coarse:
        raise PlaceTooCoarseError(coarse)
