"""Rows of a duties file to duty records; DOMAIN's columns are the specification."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from atmr_engine.formats.csv_table import Columns
from atmr_engine.formats.day_records import BreakRecord, DutyRecord
from atmr_engine.problem import Capacity, DriverKind

if TYPE_CHECKING:
    from datetime import datetime

    from atmr_engine.formats.csv_fields import FieldReader

DUTY_COLUMNS = Columns(
    known=(
        "duty_id",
        "driver",
        "driver_kind",
        "vehicle",
        "seats",
        "wheelchairs",
        "stretchers",
        "fold_seats_per_wheelchair",
        "equipment",
        "skills",
        "crew",
        "start_lat",
        "start_lon",
        "end_lat",
        "end_lon",
        "shift_start",
        "shift_end",
        "break_min",
        "break_from",
        "break_to",
    ),
    required=frozenset({"duty_id", "driver", "vehicle", "seats", "shift_start", "shift_end"}),
)
MOST_PLACES = 100
MOST_CREW = 4
LONGEST_BREAK_MIN = 480
LONGEST_SHIFT = timedelta(hours=24)


def duty_of(read: FieldReader) -> DutyRecord | None:
    """The duty of one row, or None where something in the row was refused."""
    for column in ("seats", "shift_start", "shift_end"):
        read.required(column)
    start, end = read.moment("shift_start"), read.moment("shift_end")
    identifier, driver, vehicle = (read.required(c) for c in ("duty_id", "driver", "vehicle"))
    capacity = _capacity(read)
    kind = read.choice("driver_kind", DriverKind)
    equipment, skills = read.names("equipment"), read.names("skills")
    crew = read.count("crew", MOST_CREW, low=1)
    depot, home = read.point("start"), read.point("end")
    breaks = _breaks(read)
    if start is None or end is None:
        return None
    _check_shift(read, start, end, breaks)
    if not read.good:
        return None
    return DutyRecord(
        id=identifier,
        driver=driver,
        vehicle=vehicle,
        capacity=capacity,
        shift_start=start,
        shift_end=end,
        driver_kind=kind or DriverKind.REGULAR,
        equipment=equipment,
        skills=skills,
        crew=crew or 1,
        start=depot,
        end=home,
        breaks=breaks,
    )


def _capacity(read: FieldReader) -> Capacity:
    return Capacity(
        seats=read.count("seats", MOST_PLACES) or 0,
        wheelchairs=read.count("wheelchairs", MOST_PLACES) or 0,
        stretchers=read.count("stretchers", MOST_PLACES) or 0,
        fold_seats_per_wheelchair=read.count("fold_seats_per_wheelchair", MOST_PLACES) or 0,
    )


def _breaks(read: FieldReader) -> tuple[BreakRecord, ...]:
    minutes = read.number("break_min", 0, LONGEST_BREAK_MIN)
    earliest, latest = read.moment("break_from"), read.moment("break_to")
    if not minutes:
        if earliest or latest:
            read.refuse("break_min", "is empty beside a break window", "say how long the break is")
        return ()
    if earliest and latest and latest - earliest < timedelta(minutes=minutes):
        read.refuse(
            "break_to",
            f"{minutes:g} minutes do not fit between {earliest:%H:%M} and {latest:%H:%M}",
            "widen the window; all of the break lies within it",
        )
    return (BreakRecord(minutes=minutes, earliest=earliest, latest=latest),)


def _check_shift(
    read: FieldReader, start: datetime, end: datetime, breaks: tuple[BreakRecord, ...]
) -> None:
    if end <= start:
        read.refuse(
            "shift_end",
            f"the shift ends ({end:%H:%M}) before it starts ({start:%H:%M})",
            "correct it; for a shift over midnight write the date of the next day",
        )
    elif end - start > LONGEST_SHIFT:
        read.refuse("shift_end", "the shift is longer than 24 hours", "check the dates")
    for pause in breaks:
        earliest = max(pause.earliest or start, start)
        latest = min(pause.latest or end, end)
        if end > start and latest - earliest < timedelta(minutes=pause.minutes):
            read.refuse(
                "break_min",
                f"a break of {pause.minutes:g} minutes does not fit into its window and the shift",
                "shorten it, or move break_from and break_to into the shift",
            )
