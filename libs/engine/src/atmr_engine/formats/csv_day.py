"""CSV files of bookings and duties to a Day, with every error named by row, column and remedy.

A bad row never spoils a good one: the good records are returned beside the errors, and the caller
decides whether to go on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Generic, TypeVar

from atmr_engine.formats.csv_bookings import BOOKING_COLUMNS, booking_of, first_moment
from atmr_engine.formats.csv_checks import (
    day_of,
    points_of,
    refuse_double_use,
    refuse_duties_of_other_days,
    refuse_other_days,
    refuse_repeated_ids,
    refuse_swapped_points,
    refuse_wrong_links,
    without_broken_links,
)
from atmr_engine.formats.csv_duties import DUTY_COLUMNS, duty_of
from atmr_engine.formats.csv_fields import FieldReader
from atmr_engine.formats.csv_moments import MomentError, local_date, zone_named
from atmr_engine.formats.csv_report import CsvLimits, Report, RowError
from atmr_engine.formats.csv_table import Columns, Row, read_rows
from atmr_engine.formats.day import Day
from atmr_engine.formats.day_records import BookingRecord, DutyRecord, Point

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, tzinfo

__all__ = [
    "CsvLimits",
    "DayReading",
    "Reading",
    "RowError",
    "read_bookings",
    "read_day",
    "read_duties",
]

SYNTHETIC_PREFIX = "SYNTHETIC-"
"""Generated days say so in the id of every record; what was read keeps the mark."""

_Record = TypeVar("_Record", BookingRecord, DutyRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Generic[_Record]):
    """The good records by spreadsheet row, and what was wrong.

    `zone` is what the file was read in, `day` the day that its rows are on (None: not known).
    """

    rows: dict[int, _Record]
    errors: tuple[RowError, ...]
    warnings: tuple[str, ...]
    file: str = ""
    zone: tzinfo | None = None
    day: date | None = None
    unlisted_errors: int = 0

    @property
    def records(self) -> tuple[_Record, ...]:
        """The good records in the order of the file."""
        return tuple(self.rows.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReading:
    """A day of the good rows of both files (None where no day can be made of them), and errors.

    `unlisted_errors` counts those beyond the limit of `CsvLimits.errors` per file.
    """

    day: Day | None
    errors: tuple[RowError, ...]
    warnings: tuple[str, ...]
    unlisted_errors: int = 0
    bookings: Reading[BookingRecord] = field(repr=False)
    duties: Reading[DutyRecord] = field(repr=False)


def read_bookings(
    data: bytes | str,
    *,
    zone: tzinfo | str | None = None,
    date: date | None = None,
    file: str = "bookings.csv",
    limits: CsvLimits | None = None,
) -> Reading[BookingRecord]:
    """Read a bookings file.

    Local times are in `zone` (an unknown name is an error, none makes naive times errors); times
    without a date are on `date`, and so must all bookings be (without it: on the day on which most
    are). Never raises for what a file may contain.
    """
    report = Report(file=file, limits=limits or CsvLimits())
    local, table = _table(data, BOOKING_COLUMNS, zone, report)
    rows = _records(table, booking_of, report, (local, date))
    row_of = refuse_repeated_ids(table, "booking_id", report)
    day = day_of(rows, local, date)
    refuse_wrong_links(rows, row_of, report)
    refuse_other_days(rows, local, day, report)
    refuse_swapped_points(rows, local, report)
    return _reading(without_broken_links(rows, row_of, report), report, local, day)


def read_duties(
    data: bytes | str,
    *,
    zone: tzinfo | str | None = None,
    date: date | None = None,
    file: str = "duties.csv",
    limits: CsvLimits | None = None,
    near: tuple[Point, ...] = (),
) -> Reading[DutyRecord]:
    """Read a duties file; `near` are points of the day's bookings. Otherwise as `read_bookings`."""
    report = Report(file=file, limits=limits or CsvLimits())
    local, table = _table(data, DUTY_COLUMNS, zone, report)
    rows = _records(table, duty_of, report, (local, date))
    refuse_repeated_ids(table, "duty_id", report)
    if date is not None and local is not None:
        refuse_duties_of_other_days(rows, local, date, report)
    refuse_double_use({n: r for n, r in rows.items() if n not in report.bad_rows}, report)
    refuse_swapped_points(rows, local, report, near)
    good = {row: record for row, record in rows.items() if row not in report.bad_rows}
    return _reading(good, report, local, date)


def read_day(
    bookings: bytes | str,
    duties: bytes | str,
    *,
    zone: tzinfo | str | None = None,
    date: date | None = None,
    files: tuple[str, str] = ("bookings.csv", "duties.csv"),
    limits: CsvLimits | None = None,
) -> DayReading:
    """Read both files to one day: `date`, or the day on which most bookings are.

    Without a zone, times need offsets, and the day is shown in the first one's (with a warning).
    """
    known, wrong = _known_zone(zone)
    first = read_bookings(bookings, zone=known, date=date, file=files[0], limits=limits)
    local = known or _offset_zone(first.records)
    points = tuple(point for record in first.records for _, point in points_of(record))
    second = read_duties(
        duties, zone=known, date=first.day, file=files[1], limits=limits, near=points
    )
    warnings = [*first.warnings, *second.warnings]
    if zone is None and local is not None:
        warnings.append(f"no time zone is named: local times are shown in {local}")
    local = local or _offset_zone(second.records)
    errors = (*wrong, *first.errors, *second.errors)
    day = None if wrong else _day(first, second, local)
    if day is None and not errors:
        errors = (_no_day(files[0]),)
    return DayReading(
        day=day,
        errors=errors,
        warnings=tuple(warnings),
        unlisted_errors=first.unlisted_errors + second.unlisted_errors,
        bookings=first,
        duties=second,
    )


def _day(
    bookings: Reading[BookingRecord], duties: Reading[DutyRecord], zone: tzinfo | None
) -> Day | None:
    if zone is None:
        return None
    starts = (duty.shift_start for duty in duties.records)
    date = bookings.day or min((local_date(start, zone) for start in starts), default=None)
    if date is None:
        return None
    ids = [*(booking.id for booking in bookings.records), *(duty.id for duty in duties.records)]
    return Day(
        date=date,
        zone=zone,
        bookings=bookings.records,
        duties=duties.records,
        synthetic=any(identifier.startswith(SYNTHETIC_PREFIX) for identifier in ids),
    )


def _no_day(file: str) -> RowError:
    return RowError(
        file=file,
        row=None,
        column=None,
        message="says neither which day nor which time zone the plan is for",
        remedy="name them (--date 2026-03-12 --zone Europe/Zurich)",
    )


def _offset_zone(records: tuple[BookingRecord, ...] | tuple[DutyRecord, ...]) -> tzinfo | None:
    """The fixed offset of the first moment in the file."""
    for record in records:
        moment = first_moment(record) if isinstance(record, BookingRecord) else record.shift_start
        if moment is not None:
            return moment.tzinfo
    return None


def _known_zone(zone: tzinfo | str | None) -> tuple[tzinfo | None, tuple[RowError, ...]]:
    """The zone; for an unknown name the error, and UTC to find the other errors of the files."""
    if not isinstance(zone, str):
        return zone, ()
    try:
        return zone_named(zone), ()
    except MomentError as error:
        wrong = RowError(
            file="--zone", row=None, column=None, message=str(error), remedy=error.remedy
        )
        return UTC, (wrong,)


def _table(
    data: bytes | str, columns: Columns, zone: tzinfo | str | None, report: Report
) -> tuple[tzinfo | None, list[Row]]:
    """The zone and the rows; nothing is read in an unknown zone."""
    known, wrong = _known_zone(zone)
    for error in wrong:
        report.refuse(None, None, error.message, error.remedy)
    return (None, []) if wrong else (known, read_rows(data, columns, report))


def _records(
    table: list[Row],
    record_of: Callable[[FieldReader], _Record | None],
    report: Report,
    context: tuple[tzinfo | None, date | None],
) -> dict[int, _Record]:
    zone, day = context
    found: dict[int, _Record] = {}
    for row in table:
        if row.broken:
            continue
        record = record_of(FieldReader(row=row, report=report, zone=zone, day=day))
        if record is not None:
            found[row.number] = record
    return found


def _reading(
    rows: dict[int, _Record], report: Report, zone: tzinfo | None, day: date | None
) -> Reading[_Record]:
    in_order = sorted(report.errors, key=lambda error: (error.row or 0, error.column or ""))
    return Reading(
        file=report.file,
        rows=rows,
        errors=tuple(in_order),
        warnings=tuple(report.warnings),
        zone=zone,
        day=day,
        unlisted_errors=report.unlisted,
    )
