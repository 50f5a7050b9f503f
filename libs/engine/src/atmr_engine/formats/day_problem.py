"""A day becomes a Problem: windows, loads, ride times and links, filled by the house rules."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from atmr_engine.formats.day_records import Direction, Mobility
from atmr_engine.problem import (
    Break,
    Duty,
    Link,
    Load,
    Problem,
    ProblemError,
    Request,
    TimeWindow,
    Travel,
    Visit,
)
from atmr_engine.travel import greatest_time, least_time
from atmr_engine.weights import Weights

if TYPE_CHECKING:
    from datetime import datetime

    from atmr_engine.formats.day import Day
    from atmr_engine.formats.day_records import BookingRecord, BreakRecord, DutyRecord, Point
    from atmr_engine.formats.day_rules import DayRules
    from atmr_engine.rules import Waiver

MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A booking that is kept out of planning for now, and why."""

    booking: BookingRecord
    reason: str


def held_bookings(day: Day) -> list[Held]:
    """The bookings of `day` that cannot be planned yet, each with the reason."""
    reasons = ((booking, _why_held(booking)) for booking in day.bookings)
    return [Held(booking=booking, reason=reason) for booking, reason in reasons if reason]


def _why_held(booking: BookingRecord) -> str | None:
    for end, place in (("pickup", booking.pickup), ("drop-off", booking.dropoff)):
        if place.point is None:
            return f"its {end} {place.address!r} has no coordinates: geocode it or set a pin"
    if booking.will_call and booking.ready_forecast is None:
        return "will call: the ready time is not known yet and there is no forecast"
    if not (_pickup_given(booking) or booking.appointment_at or booking.will_call):
        return "it has no time at either end: give a pickup time or an appointment"
    opens = booking.ready_forecast if booking.will_call else booking.pickup_from
    if opens and booking.pickup_to and booking.pickup_to < opens and not booking.will_call:
        return "its pickup window closes before it opens: correct the times"
    if opens and booking.appointment_at and booking.appointment_at < opens:
        return "its appointment is before the pickup: correct the times"
    return None


def _pickup_given(booking: BookingRecord) -> bool:
    return booking.pickup_from is not None or booking.pickup_to is not None


def build_problem(
    day: Day,
    travel: Travel,
    rules: DayRules,
    weights: Weights | None,
    waivers: tuple[Waiver, ...],
) -> Problem:
    """State `day` as a Problem; see `Day.problem`."""
    points = day.points()
    if travel.time_s.shape[-2:] != (len(points), len(points)):
        raise ProblemError(
            "travel.time_s",
            f"is {travel.time_s.shape} where the day has {len(points)} points: "
            "ask for the matrix of day.points(), in that order",
        )
    builder = _Builder(day, travel, rules, {point: index for index, point in enumerate(points)})
    return Problem(
        requests=builder.requests(),
        duties=tuple(builder.duty(index, duty) for index, duty in enumerate(day.duties)),
        travel=travel,
        weights=weights or Weights(),
        waivers=waivers,
        origin=day.origin.astimezone(day.zone),
    )


@dataclass(frozen=True)
class _Builder:
    day: Day
    travel: Travel
    rules: DayRules
    places: dict[Point, int]

    def requests(self) -> tuple[Request, ...]:
        held = {held.booking.id for held in held_bookings(self.day)}
        planned = [booking for booking in self.day.bookings if booking.id not in held]
        ids = {booking.id for booking in planned}
        return tuple(self._request(booking, ids) for booking in planned)

    def _request(self, booking: BookingRecord, ids: set[str]) -> Request:
        pickup, dropoff, max_ride_s = self._visits(booking)
        crew = self.rules.stretcher_crew if booking.mobility is Mobility.STRETCHER else 1
        return Request(
            id=booking.id,
            pickup=pickup,
            dropoff=dropoff,
            load=_load(booking),
            max_ride_s=max_ride_s,
            equipment=booking.equipment,
            skills=booking.skills,
            crew=crew if booking.crew_needed is None else booking.crew_needed,
            ride_alone=booking.ride_alone,
            share_group=booking.share_group,
            cleaning_s=booking.cleaning_min * MINUTE,
            link=self._link(booking, ids),
            priority=booking.priority,
            locked_duty=booking.locked_duty,
            will_call=booking.will_call and not booking.ready_known,
        )

    def _link(self, booking: BookingRecord, ids: set[str]) -> Link | None:
        after = booking.linked_booking_id
        if booking.direction is not Direction.RETOUR or after is None or after not in ids:
            return None
        same_driver = booking.same_driver or self.rules.same_driver
        return Link(after=after, stay_s=self.rules.stay_min * MINUTE, same_driver=same_driver)

    def _visits(self, booking: BookingRecord) -> tuple[Visit, Visit, float]:
        """Both ends with their windows, and the longest ride in seconds.

        Where travel has time slices, the ride time allows for the slowest of them.
        """
        start, end = self._place(booking.pickup.point), self._place(booking.dropoff.point)
        direct_s = greatest_time(self.travel, start, end)
        usual = self.rules.service_min(booking.mobility)
        service_s = _given(booking.service_pickup_min, usual) * MINUTE
        dropoff_service_s = _given(booking.service_dropoff_min, usual) * MINUTE
        max_ride_s = (
            _given(booking.max_ride_min, self.rules.max_ride_min(direct_s / MINUTE)) * MINUTE
        )
        pickup = self._pickup_window(booking, service_s + max_ride_s)
        soonest_s = service_s + least_time(self.travel, start, end)
        dropoff = self._dropoff_window(
            booking, pickup, soonest_s=soonest_s, latest_s=service_s + max_ride_s
        )
        return (
            Visit(place=start, window=pickup, service_s=service_s),
            Visit(place=end, window=dropoff, service_s=dropoff_service_s),
            max_ride_s,
        )

    def _pickup_window(self, booking: BookingRecord, longest_s: float) -> TimeWindow:
        """When the pickup begins; `longest_s` is from there to the drop-off at most."""
        width = self.rules.pickup_window_min * MINUTE
        opens, closes = self._at(booking.pickup_from), self._at(booking.pickup_to)
        if booking.will_call:
            opens = self._at(booking.ready_forecast)
            width, closes = self.rules.will_call_window_min * MINUTE, None
        appointment = self._at(booking.appointment_at)
        if appointment is not None and closes is None:
            early = appointment - self.rules.early_arrival_min * MINUTE - longest_s
            opens, closes = _given(opens, early), appointment
        if opens is None and closes is not None:
            opens = closes - width
        if closes is None and opens is not None:
            closes = opens + width
        if opens is None or closes is None:
            raise ProblemError(f"booking {booking.id}", "has no time at either end")
        return TimeWindow(opens if math.isfinite(opens) else min(0.0, closes), closes)

    def _dropoff_window(
        self, booking: BookingRecord, pickup: TimeWindow, *, soonest_s: float, latest_s: float
    ) -> TimeWindow:
        """When the drop-off begins: after the earliest pickup, and not after the appointment.

        The patient is there between `soonest_s` and `latest_s` after the pickup begins.
        """
        appointment = self._at(booking.appointment_at)
        if appointment is None:
            return TimeWindow(pickup.open_s)
        early = appointment - self.rules.early_arrival_min * MINUTE
        if _pickup_given(booking) and pickup.close_s + latest_s < early:
            early = min(early, pickup.open_s + soonest_s)
        return TimeWindow(early, appointment)

    def _at(self, moment: datetime | None) -> float | None:
        return None if moment is None else self.day.seconds(moment)

    def _place(self, point: Point | None) -> int:
        if point is None:
            raise ProblemError("place", "a planned booking has no coordinates")
        return self.places[point]

    def duty(self, index: int, duty: DutyRecord) -> Duty:
        """The duty in seconds and places; refused where the vehicle's inspection has expired."""
        until = duty.inspection_until
        if until is not None and until < duty.shift_end.astimezone(self.day.zone).date():
            raise ProblemError(
                f"duties[{index}].vehicle",
                f"the inspection of {duty.vehicle!r} was valid until {until}, and duty {duty.id} "
                f"drives it on {self.day.date}: renew it or give the duty another vehicle",
            )
        shift = TimeWindow(self.day.seconds(duty.shift_start), self.day.seconds(duty.shift_end))
        return Duty(
            id=duty.id,
            capacity=duty.capacity,
            shift=shift,
            start_place=None if duty.start is None else self.places[duty.start],
            end_place=None if duty.end is None else self.places[duty.end],
            driver=duty.driver,
            driver_kind=duty.driver_kind,
            vehicle=duty.vehicle,
            equipment=duty.equipment,
            skills=duty.skills,
            crew=duty.crew,
            breaks=tuple(self._break(pause, shift) for pause in duty.breaks),
            out_of_service=tuple(self._away(*window) for window in duty.out_of_service),
        )

    def _away(self, begin: datetime, end: datetime) -> TimeWindow:
        return TimeWindow(self.day.seconds(begin), self.day.seconds(end))

    def _break(self, pause: BreakRecord, shift: TimeWindow) -> Break:
        """The break begins so that all of it lies in its window and in the shift."""
        duration = pause.minutes * MINUTE
        spare = shift.close_s - shift.open_s - duration
        margin = min(self.rules.break_margin_min * MINUTE, max(spare, 0.0) / 4.0)
        earliest = _given(self._at(pause.earliest), shift.open_s + margin)
        latest = _given(self._at(pause.latest), shift.close_s - margin)
        opens = max(earliest, shift.open_s)
        return Break(
            duration_s=duration,
            window=TimeWindow(opens, min(latest, shift.close_s) - duration),
        )


def _load(booking: BookingRecord) -> Load:
    """The patient on a place of their kind, and the companions on seats."""
    walks = booking.mobility is Mobility.AMBULATORY
    return Load(
        seats=booking.companions + int(walks),
        wheelchairs=int(booking.mobility is Mobility.WHEELCHAIR),
        stretchers=int(booking.mobility is Mobility.STRETCHER),
    )


def _given(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
