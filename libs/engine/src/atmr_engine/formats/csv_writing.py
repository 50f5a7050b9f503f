"""A Day to the CSV texts that `read_day` reads back to the same records."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from atmr_engine.formats.csv_bookings import BOOKING_COLUMNS
from atmr_engine.formats.csv_duties import DUTY_COLUMNS
from atmr_engine.formats.day_records import BreakRecord, DayError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, tzinfo

    from atmr_engine.formats.day import Day
    from atmr_engine.formats.day_records import BookingRecord, DutyRecord, Place, Point

Cells = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFiles:
    """The two CSV texts of a day (UTF-8, comma, line feed)."""

    bookings: str
    duties: str


def write_csv(day: Day) -> DayFiles:
    """Both files of `day`; local times, with their offset where the clocks show them twice.

    Raises:
        DayError: for a duty with several breaks: the file has columns for one.

    """
    return DayFiles(
        bookings=_text(BOOKING_COLUMNS.known, (_booking(b, day.zone) for b in day.bookings)),
        duties=_text(DUTY_COLUMNS.known, (_duty(d, day.zone) for d in day.duties)),
    )


def _text(columns: tuple[str, ...], rows: Iterable[Cells]) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _booking(booking: BookingRecord, zone: tzinfo) -> Cells:
    return {
        "booking_id": booking.id,
        "patient_ref": booking.patient_ref,
        "direction": booking.direction,
        "linked_booking_id": booking.linked_booking_id or "",
        **_place("pickup", booking.pickup),
        **_place("dropoff", booking.dropoff),
        "pickup_from": _moment(booking.pickup_from, zone),
        "pickup_to": _moment(booking.pickup_to, zone),
        "appointment_at": _moment(booking.appointment_at, zone),
        "will_call": _flag(booking.will_call),
        "ready_forecast": _moment(booking.ready_forecast, zone),
        "mobility": booking.mobility,
        "companions": _number(booking.companions or None),
        "equipment": _names(booking.equipment),
        "crew_needed": _number(booking.crew_needed),
        "ride_alone": _flag(booking.ride_alone),
        "share_group": booking.share_group,
        "service_pickup_min": _number(booking.service_pickup_min),
        "service_dropoff_min": _number(booking.service_dropoff_min),
        "max_ride_min": _number(booking.max_ride_min),
        "priority": _number(booking.priority or None),
        "notes": booking.notes,
    }


def _duty(duty: DutyRecord, zone: tzinfo) -> Cells:
    if len(duty.breaks) > 1:
        raise DayError(duty.id, "breaks", f"{len(duty.breaks)} breaks, a CSV row has one")
    pause = duty.breaks[0] if duty.breaks else BreakRecord(minutes=0)
    return {
        "duty_id": duty.id,
        "driver": duty.driver,
        "driver_kind": duty.driver_kind,
        "vehicle": duty.vehicle,
        "seats": _number(duty.capacity.seats),
        "wheelchairs": _number(duty.capacity.wheelchairs),
        "stretchers": _number(duty.capacity.stretchers),
        "fold_seats_per_wheelchair": _number(duty.capacity.fold_seats_per_wheelchair),
        "equipment": _names(duty.equipment),
        "skills": _names(duty.skills),
        "crew": _number(duty.crew),
        **_point("start", duty.start),
        **_point("end", duty.end),
        "shift_start": _moment(duty.shift_start, zone),
        "shift_end": _moment(duty.shift_end, zone),
        "break_min": _number(pause.minutes or None),
        "break_from": _moment(pause.earliest, zone),
        "break_to": _moment(pause.latest, zone),
    }


def _place(end: str, place: Place) -> Cells:
    return {f"{end}_address": place.address, **_point(end, place.point)}


def _point(end: str, point: Point | None) -> Cells:
    lat, lon = (None, None) if point is None else point
    return {f"{end}_lat": _number(lat), f"{end}_lon": _number(lon)}


def _number(value: float | None) -> str:
    """All digits of the number, never in exponent notation."""
    return "" if value is None else format(Decimal(repr(value)), "f").removesuffix(".0")


def _flag(value: bool) -> str:  # noqa: FBT001 (a cell's value, not a switch)
    return "yes" if value else ""


def _names(names: frozenset[str]) -> str:
    return ";".join(sorted(names))


def _moment(moment: datetime | None, zone: tzinfo) -> str:
    if moment is None:
        return ""
    local = moment.astimezone(zone)
    certain = local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset()
    shown = local.replace(tzinfo=None) if certain else local
    text = shown.isoformat()
    return text.removesuffix(":00") if text.count(":") == 2 else text  # noqa: PLR2004 (hh:mm:ss)
