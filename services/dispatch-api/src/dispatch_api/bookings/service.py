"""Reading bookings: one, a list, a history; what changes them has a file per use case."""

from __future__ import annotations

from dataclasses import asdict, replace
from uuid import UUID

from atmr_common.web.access import Caller
from atmr_common.web.identity import Role
from atmr_common.web.pagination import Page, decode_id_cursor, encode_cursor
from dispatch_api.bookings.desk import BookingDesk
from dispatch_api.bookings.repository import BookingFilter
from dispatch_api.bookings.schemas import Booking, BookingTransition


async def read_booking(desk: BookingDesk, caller: Caller, booking_id: UUID) -> Booking:
    return await desk.show(caller, await desk.find(caller, booking_id))


async def list_bookings(
    desk: BookingDesk, caller: Caller, wanted: BookingFilter, cursor: str | None, limit: int
) -> Page[Booking]:
    """A page of bookings; a clinic sees its own only."""
    if caller.role is Role.CLINIC:
        wanted = replace(wanted, booked_by=caller.subject)
    found = await desk.bookings.list(
        caller.company_id, wanted, after=decode_id_cursor(cursor), limit=limit + 1
    )
    items = await desk.show_all(caller, found[:limit])
    following = encode_cursor(str(items[-1].id)) if len(found) > limit else None
    return Page(items=items, next_cursor=following)


async def read_history(
    desk: BookingDesk, caller: Caller, booking_id: UUID
) -> list[BookingTransition]:
    """Every transition of a booking, the first one first."""
    await desk.find(caller, booking_id)
    history = await desk.bookings.history(caller.company_id, booking_id)
    return [
        BookingTransition(**{k: v for k, v in asdict(entry).items() if k != "booking_id"})
        for entry in history
    ]
