"""A plan in words: a route per duty with local times and places, for people and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from atmr_engine.plan import StopKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from atmr_engine.formats.day import Day
    from atmr_engine.formats.day_records import BookingRecord, Point
    from atmr_engine.plan import Plan, PlannedStop, Route


@dataclass(frozen=True, slots=True, kw_only=True)
class StopLine:
    """One stop: local times, the place as people call it, and the riders on board when it ends.

    `riders` counts patients and companions; `mobility`, `booking` and `patient_ref` are None at
    stops that serve no booking. The times of a `provisional` stop wait for a call.
    """

    kind: str
    arrival: datetime
    begin: datetime
    end: datetime
    place: str
    point: Point | None
    riders: int
    booking: str | None = None
    patient_ref: str | None = None
    direction: str | None = None
    mobility: str | None = None
    provisional: bool = False

    def as_json(self) -> dict[str, Any]:
        """Plain values: ISO 8601 times with their offset."""
        return {
            "kind": self.kind,
            "booking": self.booking,
            "patient_ref": self.patient_ref,
            "direction": self.direction,
            "mobility": self.mobility,
            "arrival": _iso(self.arrival),
            "begin": _iso(self.begin),
            "end": _iso(self.end),
            "place": self.place,
            "lat": None if self.point is None else self.point.lat,
            "lon": None if self.point is None else self.point.lon,
            "riders": self.riders,
            "provisional": self.provisional,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteLines:
    """One duty's day."""

    duty: str
    driver: str
    vehicle: str
    stops: tuple[StopLine, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values for a program."""
        return {
            "duty": self.duty,
            "driver": self.driver,
            "vehicle": self.vehicle,
            "stops": [stop.as_json() for stop in self.stops],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DayDescription:
    """All routes of a plan, and the unserved bookings with the rule and the sentence why."""

    routes: tuple[RouteLines, ...]
    unserved: tuple[dict[str, str], ...]


def describe(day: Day, plan: Plan) -> DayDescription:
    """The plan of `day` in words; see `Day.describe`."""
    points = day.points()
    bookings = {booking.id: booking for booking in day.bookings}
    duties = {duty.id: duty for duty in day.duties}
    return DayDescription(
        routes=tuple(
            RouteLines(
                duty=route.duty,
                driver=duties[route.duty].driver,
                vehicle=duties[route.duty].vehicle,
                stops=tuple(_stop_lines(day, route, bookings, points)),
            )
            for route in plan.routes
        ),
        unserved=tuple(
            {"booking": left.request, "rule": str(left.rule), "reason": left.reason}
            for left in plan.unserved
        ),
    )


def _stop_lines(
    day: Day, route: Route, bookings: dict[str, BookingRecord], points: list[Point]
) -> Iterator[StopLine]:
    riders = 0
    for stop in route.stops:
        booking = bookings.get(stop.request) if stop.request is not None else None
        riders += _boarding(stop, booking)
        point = None if stop.place is None else points[stop.place]
        yield StopLine(
            kind=str(stop.kind),
            arrival=day.moment(stop.arrival_s),
            begin=day.moment(stop.begin_s),
            end=day.moment(stop.end_s),
            place=_label(stop, booking, point),
            point=point,
            riders=riders,
            booking=stop.request,
            patient_ref=None if booking is None else booking.patient_ref,
            direction=None if booking is None else str(booking.direction),
            mobility=None if booking is None else str(booking.mobility),
            provisional=stop.provisional,
        )


def _boarding(stop: PlannedStop, booking: BookingRecord | None) -> int:
    if booking is None:
        return 0
    party = 1 + booking.companions
    return {StopKind.PICKUP: party, StopKind.DROPOFF: -party}.get(stop.kind, 0)


def _label(stop: PlannedStop, booking: BookingRecord | None, point: Point | None) -> str:
    if booking is not None:
        return (booking.pickup if stop.kind is StopKind.PICKUP else booking.dropoff).label
    return "" if point is None else f"{point.lat:.5f}, {point.lon:.5f}"


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
