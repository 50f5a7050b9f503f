"""Routes that stand as they are: what was driven or is under way there cannot be stated anew.

Somebody cancelled the duty, or changed vehicle, shift or place so that no timetable keeps both the
rules and the facts. Such a route is left alone, and its duty and bookings out of planning.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from dispatch_api.bookings.domain import PlannableBooking
from dispatch_api.plans.domain import Stop

NO_DUTY = "the duty does not take place any more; what was driven in it stays on record"
NOT_PLANNABLE = "a transport that was begun there has lost its place or its time"
NO_TIMETABLE = (
    "no timetable keeps the rules and what was begun: vehicle, shift, breaks or places were "
    "changed, or a waiver is missing"
)
NO_ROUTE = "it is under way or done, and no route holds it"
PINNED_TO_NONE = "it is pinned to a duty that does not take place: pin it to another, or to none"
PINNED_TO_STANDING = "it is pinned to a duty whose route stands as it is: pin it to another"


@dataclass(frozen=True, kw_only=True)
class PresentDay:
    """The day's bookings and duties, and the stops of its present plan by duty, in order."""

    bookings: Sequence[PlannableBooking]
    duties: Collection[UUID]
    stops: Sequence[Stop]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Routes that stay, each with the reason, and the bookings that wait, each with theirs."""

    reasons: Mapping[UUID, str]
    stops: tuple[Stop, ...]
    waiting: Mapping[UUID, str]

    @property
    def bookings(self) -> set[UUID]:
        """Those in a route that stands."""
        return {stop.booking_id for stop in self.stops if stop.booking_id}


def standing_routes(
    day: PresentDay, *, held: Collection[UUID], refused: Collection[UUID]
) -> Standing:
    """What of the present plan stands.

    `held` are bookings that cannot be planned for want of a place or a time, `refused` are duties
    whose fixed beginning the engine did not accept.
    """
    fixed = {booking.id for booking in day.bookings if booking.fixed}
    reasons: dict[UUID, str] = dict.fromkeys(refused, NO_TIMETABLE)
    for stop in day.stops:
        if stop.booking_id in fixed and stop.duty_id not in day.duties:
            reasons[stop.duty_id] = NO_DUTY
        elif stop.booking_id in fixed and stop.booking_id in held:
            reasons[stop.duty_id] = NOT_PLANNABLE
    present = {None, *(booking.id for booking in day.bookings)}
    stops = tuple(s for s in day.stops if s.duty_id in reasons and s.booking_id in present)
    return Standing(reasons=reasons, stops=stops, waiting=dict(_waiting(day, reasons, stops)))


def _waiting(
    day: PresentDay, reasons: Mapping[UUID, str], standing: Sequence[Stop]
) -> list[tuple[UUID, str]]:
    routed = {stop.booking_id for stop in day.stops}
    stays = {stop.booking_id for stop in standing}
    waiting = []
    for booking in day.bookings:
        pin = booking.locked_duty_id
        if booking.fixed and booking.id not in routed:
            waiting.append((booking.id, NO_ROUTE))
        elif booking.fixed or booking.id in stays or pin is None:
            continue
        elif pin not in day.duties:
            waiting.append((booking.id, PINNED_TO_NONE))
        elif pin in reasons:
            waiting.append((booking.id, PINNED_TO_STANDING))
    return waiting
