"""Use case: a crew reports how far it is with a booking."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from atmr_common.contracts.dispatch import AssignmentProgressed
from atmr_common.web.access import Caller
from atmr_common.web.problems import FieldProblem, InvalidError
from dispatch_api.bookings.action_schemas import BookingStatus, ProgressReport
from dispatch_api.bookings.desk import BookingDesk, allow
from dispatch_api.bookings.domain import BookingState, StoredBooking, Transition
from dispatch_api.bookings.errors import BookingOnHoldError, TransitionRefusedError

CLOCKS_DIFFER = timedelta(minutes=2)
OLDEST_REPORT = timedelta(hours=24)


async def report_progress(
    desk: BookingDesk,
    caller: Caller,
    booking_id: UUID,
    report: ProgressReport,
    version: int | None,
) -> BookingStatus:
    """Move an assigned booking along: en route, arrived, on board, completed; or diverted."""
    booking = await desk.hold(caller, booking_id, version, plan=False)
    to_state = BookingState(report.state)
    allow(booking, to_state)
    if to_state is BookingState.ASSIGNED and booking.state is not BookingState.EN_ROUTE:
        raise TransitionRefusedError(
            "Only a plan assigns a booking; a vehicle that is en route can be diverted.",
            state=booking.state.value,
            wanted=to_state.value,
            allowed=[],
        )
    if booking.on_hold and to_state is BookingState.EN_ROUTE:
        raise BookingOnHoldError("A dispatcher has to resume the booking first.")
    at = await _checked_moment(desk, caller, booking, report.at)
    changed = await desk.bookings.update(caller.company_id, booking, {"state": to_state})
    entry = Transition(
        booking_id=booking.id,
        from_state=booking.state,
        to_state=to_state,
        at=at,
        by=caller.subject,
        reason="diverted" if to_state is BookingState.ASSIGNED else None,
    )
    await desk.bookings.record(caller.company_id, [entry])
    duty = await desk.related.assigned_duty(caller.company_id, booking.id)
    event = AssignmentProgressed(
        booking_id=booking.id, duty_id=duty.duty_id if duty else None, state=to_state, at=at
    )
    await desk.tell(caller, changed, event)
    return status_of(changed)


async def _checked_moment(
    desk: BookingDesk, caller: Caller, booking: StoredBooking, told: datetime | None
) -> datetime:
    """When it happened; not in the future, and not before what happened last."""
    now = desk.ports.clock.now()
    if told is None:
        return now
    history = await desk.bookings.history(caller.company_id, booking.id)
    reached = [entry.at for entry in history if entry.to_state.under_way]
    earliest = max([*reached, now - OLDEST_REPORT])
    if told > now + CLOCKS_DIFFER:
        raise _wrong_moment("is in the future; check the device's clock")
    if told < earliest:
        raise _wrong_moment(f"is before {earliest.isoformat()}, when the last step was reported")
    return told


def _wrong_moment(detail: str) -> InvalidError:
    problem = FieldProblem(pointer="#/body/at", detail=detail)
    return InvalidError("The moment of the report cannot be right.", errors=[problem])


def status_of(booking: StoredBooking) -> BookingStatus:
    return BookingStatus(
        id=booking.id, state=booking.state, on_hold=booking.on_hold, version=booking.version
    )
