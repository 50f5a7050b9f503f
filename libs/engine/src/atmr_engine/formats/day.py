"""One day of one company: its bookings and duties, and the one way from them to a Problem.

Seconds in the Problem count real, elapsed seconds from midnight of the day in its zone, so that
days with a change of the clocks come out right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING

from atmr_engine.formats.day_description import DayDescription, describe
from atmr_engine.formats.day_problem import Held, build_problem, held_bookings
from atmr_engine.formats.day_records import (
    BookingRecord,
    BreakRecord,
    DayError,
    Direction,
    DutyRecord,
    Mobility,
    Place,
    Point,
)
from atmr_engine.formats.day_rules import DayRules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from atmr_engine.plan import Plan
    from atmr_engine.problem import Problem, Travel
    from atmr_engine.rules import Waiver
    from atmr_engine.weights import Weights

__all__ = [
    "BookingRecord",
    "BreakRecord",
    "Day",
    "DayDescription",
    "DayError",
    "DayRules",
    "Direction",
    "DutyRecord",
    "Held",
    "Mobility",
    "Place",
    "Point",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A calendar day in `zone`. `synthetic` days were generated and say so wherever they appear."""

    date: date
    zone: tzinfo
    bookings: tuple[BookingRecord, ...] = ()
    duties: tuple[DutyRecord, ...] = ()
    synthetic: bool = False

    @property
    def origin(self) -> datetime:
        """Midnight of the day in its zone, as an instant in UTC: second 0 of the Problem."""
        return datetime.combine(self.date, time.min, tzinfo=self.zone).astimezone(UTC)

    def seconds(self, moment: datetime) -> float:
        """Elapsed seconds from the origin to an aware moment."""
        return (moment.astimezone(UTC) - self.origin).total_seconds()

    def moment(self, seconds: float) -> datetime:
        """The local, aware datetime at `seconds` after the origin."""
        return (self.origin + timedelta(seconds=seconds)).astimezone(self.zone)

    def points(self) -> list[Point]:
        """Every point that bookings and duties name, once each, in the order of travel matrices."""
        ends = [place.point for b in self.bookings for place in (b.pickup, b.dropoff)]
        ends += [point for d in self.duties for point in (d.start, d.end)]
        return list(dict.fromkeys(point for point in ends if point is not None))

    def with_points(self, points: Mapping[str, Point]) -> Day:
        """The same day with `points` put on the places that have an address and no point yet."""

        def located(place: Place) -> Place:
            if place.point is None and place.address in points:
                return replace(place, point=points[place.address])
            return place

        bookings = tuple(
            replace(booking, pickup=located(booking.pickup), dropoff=located(booking.dropoff))
            for booking in self.bookings
        )
        return replace(self, bookings=bookings)

    def held(self) -> list[Held]:
        """Bookings that take no part in planning yet, each with the reason."""
        return held_bookings(self)

    def problem(
        self,
        travel: Travel,
        settings: DayRules | None = None,
        *,
        weights: Weights | None = None,
        waivers: tuple[Waiver, ...] = (),
    ) -> Problem:
        """State the day as a Problem; `travel` is over `points()`, in that order.

        Raises:
            ProblemError: where the matrices do not fit the points, or a record contradicts itself.

        """
        return build_problem(self, travel, settings or DayRules(), weights, waivers)

    def describe(self, plan: Plan) -> DayDescription:
        """The plan in words for people and JSON: a route per duty with local times and places."""
        return describe(self, plan)
