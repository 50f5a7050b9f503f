"""What of a running day is fixed: for each duty, the stops up to the last one done or under way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Protocol
from uuid import UUID

from atmr_engine.formats.day import Day
from atmr_engine.problem import Committed
from dispatch_api.bookings.domain import BookingState

PICKUP_FIXED = frozenset(
    {
        BookingState.EN_ROUTE,
        BookingState.ARRIVED,
        BookingState.ON_BOARD,
        BookingState.COMPLETED,
    }
)
DROPOFF_FIXED = frozenset({BookingState.COMPLETED})


class PlannedStop(Protocol):
    """What is needed of a stop of the present plan."""

    duty_id: UUID
    kind: str
    booking_id: UUID | None
    begin_at: datetime


def beginnings(
    day: Day, stops: Iterable[PlannedStop], states: Mapping[UUID, BookingState]
) -> dict[str, tuple[Committed, ...]]:
    """The fixed beginning of each duty that has one; `stops` come by duty, in their order."""
    fixed: dict[str, tuple[Committed, ...]] = {}
    for duty_id, route in groupby(stops, key=lambda stop: stop.duty_id):
        inner = [stop for stop in route if stop.kind not in {"start", "end"}]
        reached = [index for index, stop in enumerate(inner) if _is_fixed(stop, states)]
        if reached:
            beginning = inner[: reached[-1] + 1]
            fixed[str(duty_id)] = tuple(_committed(day, stop) for stop in beginning)
    return fixed


def _is_fixed(stop: PlannedStop, states: Mapping[UUID, BookingState]) -> bool:
    if stop.booking_id is None:
        return False
    state = states.get(stop.booking_id)
    return state in (PICKUP_FIXED if stop.kind == "pickup" else DROPOFF_FIXED)


def _committed(day: Day, stop: PlannedStop) -> Committed:
    return Committed(
        kind=stop.kind,
        request=None if stop.booking_id is None else str(stop.booking_id),
        begin_s=day.seconds(stop.begin_at),
    )
