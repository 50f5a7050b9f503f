"""What of a running day is fixed: for each duty, the stops up to the last one done or under way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from uuid import UUID

from atmr_engine.formats.day import Day
from atmr_engine.problem import Committed
from dispatch_api.bookings.domain import BookingState
from dispatch_api.plans.domain import Stop

PICKUP_FIXED = frozenset(
    {
        BookingState.EN_ROUTE,
        BookingState.ARRIVED,
        BookingState.ON_BOARD,
        BookingState.COMPLETED,
    }
)
DROPOFF_FIXED = frozenset({BookingState.COMPLETED})


def beginnings(
    day: Day, stops: Iterable[Stop], states: Mapping[UUID, BookingState]
) -> dict[str, tuple[Committed, ...]]:
    """The fixed beginning of each duty that has one; `stops` come by duty, in their order.

    `states` are of the bookings that are planned: the stops of others, which were put on hold or
    pinned to another duty since, are left out, and so are breaks that the duty no longer has.
    """
    pins = {booking.id: booking.locked_duty for booking in day.bookings}
    breaks = {duty.id: len(duty.breaks) for duty in day.duties}
    fixed: dict[str, tuple[Committed, ...]] = {}
    for duty_id, route in groupby(stops, key=lambda stop: stop.duty_id):
        duty = str(duty_id)
        theirs = (
            stop
            for stop in route
            if stop.booking_id is None
            or (stop.booking_id in states and pins[str(stop.booking_id)] in {None, duty})
        )
        inner = list(_without_ends(theirs, breaks.get(duty, 0)))
        reached = [index for index, stop in enumerate(inner) if _is_fixed(stop, states)]
        if reached:
            beginning = inner[: reached[-1] + 1]
            fixed[duty] = tuple(_committed(day, stop) for stop in beginning)
    return fixed


def _without_ends(route: Iterable[Stop], breaks: int) -> Iterator[Stop]:
    """The stops between start and end, with at most so many breaks."""
    taken = 0
    for stop in route:
        taken += stop.kind == "break"
        if stop.kind not in {"start", "end"} and (stop.kind != "break" or taken <= breaks):
            yield stop


def _is_fixed(stop: Stop, states: Mapping[UUID, BookingState]) -> bool:
    if stop.booking_id is None:
        return False
    state = states.get(stop.booking_id)
    return state in (PICKUP_FIXED if stop.kind == "pickup" else DROPOFF_FIXED)


def _committed(day: Day, stop: Stop) -> Committed:
    return Committed(
        kind=stop.kind,
        request=None if stop.booking_id is None else str(stop.booking_id),
        begin_s=day.seconds(stop.begin_at),
    )
