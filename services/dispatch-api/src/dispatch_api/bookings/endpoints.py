"""HTTP door of bookings: ask for, read, change, and move along."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from atmr_common.web.access import BookingDispatcher, BookingReader, BookingWriter, TripReporter
from atmr_common.web.entity_versions import NamedVersion, SeenVersion, tagged
from atmr_common.web.idempotency import IdempotentRoute
from atmr_common.web.pagination import CursorText, Limit, Page
from atmr_common.web.problems import responses
from dispatch_api.bookings import service
from dispatch_api.bookings.action_schemas import (
    BookingStatus,
    Cancellation,
    DutyLock,
    Hold,
    NoShow,
    NoShowReport,
    ProgressReport,
    Readiness,
)
from dispatch_api.bookings.cancel_booking import cancel_booking
from dispatch_api.bookings.confirm_booking import confirm_booking, mark_ready
from dispatch_api.bookings.desk import Desk
from dispatch_api.bookings.domain import BookingState, Direction
from dispatch_api.bookings.edit_booking import edit_booking
from dispatch_api.bookings.hold_booking import (
    hold_booking,
    lock_booking,
    resume_booking,
    unlock_booking,
)
from dispatch_api.bookings.report_no_show import report_no_show
from dispatch_api.bookings.report_progress import report_progress
from dispatch_api.bookings.repository import BookingFilter
from dispatch_api.bookings.request_booking import request_booking
from dispatch_api.bookings.request_round_trip import request_round_trip
from dispatch_api.bookings.schemas import (
    Booking,
    BookingChange,
    BookingTransition,
    NewBooking,
    NewRoundTrip,
    RoundTrip,
)

router = APIRouter(prefix="/v1/bookings", tags=["bookings"], route_class=IdempotentRoute)
ASK = responses(401, 403, 404, 409, 422)
MOVE = responses(401, 403, 404, 409, 412, 422)
Ready = Readiness()


@router.post("", status_code=201, operation_id="request_booking", responses=ASK)
async def post_booking(
    new: NewBooking, caller: BookingWriter, desk: Desk, response: Response
) -> Booking:
    """Ask for one leg; complete and with known places it is confirmed at once."""
    booking = tagged(response, await request_booking(desk, caller, new))
    response.headers["Location"] = f"{router.prefix}/{booking.id}"
    return booking


@router.post("/round-trips", status_code=201, operation_id="request_round_trip", responses=ASK)
async def post_round_trip(new: NewRoundTrip, caller: BookingWriter, desk: Desk) -> RoundTrip:
    """Ask for an ALLER and its RETOUR, at a known time or on call; both or none."""
    return await request_round_trip(desk, caller, new)


@router.get("", operation_id="list_bookings", responses=responses(401, 403, 422))
async def list_bookings(
    caller: BookingReader,
    desk: Desk,
    day: Annotated[dt.date | None, Query(description="The company's local day.")] = None,
    state: BookingState | None = None,
    patient_id: UUID | None = None,
    direction: Direction | None = None,
    cursor: CursorText = None,
    limit: Limit = 100,
) -> Page[Booking]:
    """Bookings in the order in which they were asked for; a clinic sees its own only."""
    wanted = BookingFilter(day=day, state=state, patient_id=patient_id, direction=direction)
    return await service.list_bookings(desk, caller, wanted, cursor, limit)


@router.get("/{booking_id}", operation_id="read_booking", responses=responses(401, 403, 404, 422))
async def read_booking(
    booking_id: UUID, caller: BookingReader, desk: Desk, response: Response
) -> Booking:
    """One booking; its ETag is what a change names in If-Match."""
    return tagged(response, await service.read_booking(desk, caller, booking_id))


@router.get(
    "/{booking_id}/transitions",
    operation_id="list_booking_transitions",
    responses=responses(401, 403, 404, 422),
)
async def list_transitions(
    booking_id: UUID, caller: BookingReader, desk: Desk
) -> list[BookingTransition]:
    """The booking's history: who moved it, when and why; nothing is ever changed in it."""
    return await service.read_history(desk, caller, booking_id)


@router.patch(
    "/{booking_id}",
    operation_id="edit_booking",
    responses=responses(401, 403, 404, 409, 412, 422, 428),
)
async def patch_booking(
    booking_id: UUID,
    change: BookingChange,
    caller: BookingWriter,
    desk: Desk,
    version: NamedVersion,
    response: Response,
) -> Booking:
    """Change a booking; one that is assigned leaves its plan unless only notes changed."""
    return tagged(response, await edit_booking(desk, caller, booking_id, change, version))


@router.post("/{booking_id}/confirm", operation_id="confirm_booking", responses=MOVE)
async def post_confirm(
    booking_id: UUID,
    caller: BookingDispatcher,
    desk: Desk,
    version: SeenVersion,
    response: Response,
) -> Booking:
    """Confirm a booking that waited for a place to be known."""
    return tagged(response, await confirm_booking(desk, caller, booking_id, version))


@router.post("/{booking_id}/ready", operation_id="mark_booking_ready", responses=MOVE)
async def post_ready(
    booking_id: UUID,
    caller: BookingWriter,
    desk: Desk,
    version: SeenVersion,
    response: Response,
    ready: Readiness = Ready,
) -> Booking:
    """The patient of a will-call leg is ready: it gets a pickup interval and can be planned."""
    return tagged(response, await mark_ready(desk, caller, booking_id, ready, version))


@router.post("/{booking_id}/cancel", operation_id="cancel_booking", responses=MOVE)
async def post_cancel(
    booking_id: UUID,
    cancellation: Cancellation,
    caller: BookingWriter,
    desk: Desk,
    version: SeenVersion,
    response: Response,
) -> Booking:
    """Cancel a leg, also at the door; within the company's notice it is late."""
    return tagged(response, await cancel_booking(desk, caller, booking_id, cancellation, version))


@router.post("/{booking_id}/progress", operation_id="report_progress", responses=MOVE)
async def post_progress(
    booking_id: UUID,
    report: ProgressReport,
    caller: TripReporter,
    desk: Desk,
    version: SeenVersion,
    response: Response,
) -> BookingStatus:
    """Report how far the crew is; a driver only for bookings of an own duty."""
    return tagged(response, await report_progress(desk, caller, booking_id, report, version))


@router.post("/{booking_id}/no-show", operation_id="report_no_show", responses=MOVE)
async def post_no_show(
    booking_id: UUID,
    report: NoShowReport,
    caller: TripReporter,
    desk: Desk,
    version: SeenVersion,
    response: Response,
) -> NoShow:
    """The crew called and waited, nobody came; later legs of the day go on hold."""
    return tagged(response, await report_no_show(desk, caller, booking_id, report, version))


@router.post("/{booking_id}/hold", operation_id="hold_booking", responses=MOVE)
async def post_hold(
    booking_id: UUID,
    hold: Hold,
    caller: BookingDispatcher,
    desk: Desk,
    version: SeenVersion,
    response: Response,
) -> Booking:
    """Keep a booking out of the next plans until a dispatcher resumes it."""
    return tagged(response, await hold_booking(desk, caller, booking_id, hold, version))


@router.post("/{booking_id}/resume", operation_id="resume_booking", responses=MOVE)
async def post_resume(
    booking_id: UUID,
    caller: BookingDispatcher,
    desk: Desk,
    version: SeenVersion,
    response: Response,
) -> Booking:
    """Let the next plan have a booking that was on hold."""
    return tagged(response, await resume_booking(desk, caller, booking_id, version))


@router.put("/{booking_id}/lock", operation_id="lock_booking", responses=MOVE)
async def put_lock(
    booking_id: UUID,
    lock: DutyLock,
    caller: BookingDispatcher,
    desk: Desk,
    version: SeenVersion,
    response: Response,
) -> Booking:
    """Pin a booking to a duty of its day."""
    return tagged(response, await lock_booking(desk, caller, booking_id, lock, version))


@router.delete("/{booking_id}/lock", operation_id="unlock_booking", responses=MOVE)
async def delete_lock(
    booking_id: UUID,
    caller: BookingDispatcher,
    desk: Desk,
    version: SeenVersion,
    response: Response,
) -> Booking:
    """Let any duty take a booking again."""
    return tagged(response, await unlock_booking(desk, caller, booking_id, version))
