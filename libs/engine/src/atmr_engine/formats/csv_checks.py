"""What is only seen across rows: ids given twice, links, swapped coordinates, days, double use."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from atmr_engine.formats.csv_bookings import first_moment
from atmr_engine.formats.csv_geography import REGION_KM, distance_km, looks_swapped, middle
from atmr_engine.formats.csv_moments import local_date, midnight
from atmr_engine.formats.day_records import BookingRecord, Direction, DutyRecord, Point

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, tzinfo

    from atmr_engine.formats.csv_report import Report
    from atmr_engine.formats.csv_table import Row


def refuse_repeated_ids(rows: Sequence[Row], column: str, report: Report) -> dict[str, int]:
    """The row of each id, of broken rows too; later rows with the same id are refused."""
    first: dict[str, int] = {}
    for row in rows:
        identifier = row.text(column)
        if identifier and first.setdefault(identifier, row.number) != row.number:
            report.refuse(
                row.number,
                column,
                f"{identifier!r} stands already in row {first[identifier]}",
                "give every row an id of its own",
            )
    return first


def points_of(record: BookingRecord | DutyRecord) -> Iterator[tuple[str, Point]]:
    """The points of a record with the beginning of their columns' names."""
    ends: tuple[tuple[str, Point | None], ...]
    if isinstance(record, BookingRecord):
        ends = (("pickup", record.pickup.point), ("dropoff", record.dropoff.point))
    else:
        ends = (("start", record.start), ("end", record.end))
    return ((end, point) for end, point in ends if point is not None)


def refuse_swapped_points(
    rows: Mapping[int, BookingRecord] | Mapping[int, DutyRecord],
    zone: tzinfo | None,
    report: Report,
    others: tuple[Point, ...] = (),
) -> None:
    """Refuse latitudes and longitudes that stand in each other's column; warn of far points.

    `others` are points of the same day from elsewhere (the other file).
    """
    found = [(row, end, point) for row, record in rows.items() for end, point in points_of(record)]
    centre = middle([*others, *(point for _, _, point in found)])
    for row, end, point in found:
        if looks_swapped(point, centre, zone):
            report.refuse(
                row,
                f"{end}_lat",
                f"latitude {point.lat:g} and longitude {point.lon:g} look swapped",
                f"write {end}_lat {point.lon:g} and {end}_lon {point.lat:g}",
            )
        elif centre is not None and distance_km(point, centre) > REGION_KM:
            far = distance_km(point, centre)
            report.warn(f"{end} is {far:.0f} km from the middle of all points", row)


def refuse_wrong_links(
    rows: Mapping[int, BookingRecord], row_of: Mapping[str, int], report: Report
) -> None:
    """Refuse links that point nowhere, to themselves, or to a booking that is not the ALLER.

    A link to a row that has an error of its own is no error here.
    """
    for row, record in rows.items():
        linked = record.linked_booking_id
        if linked is None:
            continue
        if linked not in row_of:
            problem = f"no booking has the id {linked!r}", "correct the id, or leave it empty"
            report.refuse(row, "linked_booking_id", *problem)
        elif row_of[linked] in rows:
            wrong = _link_problem(record, rows[row_of[linked]])
            if wrong:
                report.refuse(row, "linked_booking_id", *wrong)


def _link_problem(record: BookingRecord, other: BookingRecord) -> tuple[str, str] | None:
    linked = record.linked_booking_id
    if linked == record.id:
        return "is the booking itself", "name the ALLER that this RETOUR belongs to"
    if record.direction is Direction.ALLER:
        if other.direction is Direction.RETOUR and other.linked_booking_id in {record.id, None}:
            return None
        return f"{linked!r} is not the RETOUR of this ALLER", "put the link on the RETOUR's row"
    if other.direction is not Direction.ALLER:
        return f"{linked!r} is a RETOUR itself", "name the ALLER that this RETOUR belongs to"
    if other.linked_booking_id not in {record.id, None}:
        return (
            f"{linked!r} is linked to {other.linked_booking_id!r}",
            "link each pair to each other",
        )
    return None


def without_broken_links(
    rows: Mapping[int, BookingRecord], row_of: Mapping[str, int], report: Report
) -> dict[int, BookingRecord]:
    """The good rows; a link to a row with an error is taken off, with a warning."""
    good = {row: record for row, record in rows.items() if row not in report.bad_rows}
    for row, record in good.items():
        linked = record.linked_booking_id
        if linked is not None and row_of.get(linked) in report.bad_rows:
            report.warn(
                f"is linked to row {row_of[linked]}, which has an error: link left out", row
            )
            good[row] = replace(record, linked_booking_id=None)
    return good


def day_of(
    rows: Mapping[int, BookingRecord], zone: tzinfo | None, wanted: date | None
) -> date | None:
    """The wanted day, or the one on which most bookings are (the earlier one of equals)."""
    if wanted is not None:
        return wanted
    moments = (first_moment(record) for record in rows.values())
    counted = Counter(local_date(moment, zone) for moment in moments if moment is not None)
    return min(counted, key=lambda day: (-counted[day], day), default=None)


def refuse_other_days(
    rows: Mapping[int, BookingRecord], zone: tzinfo | None, day: date | None, report: Report
) -> None:
    """One plan is one day: a booking on another one is refused."""
    for row, record in rows.items():
        moment = first_moment(record)
        if moment is not None and day is not None and local_date(moment, zone) != day:
            report.refuse(
                row,
                None,
                f"is on {local_date(moment, zone)}, the plan is for {day}",
                "plan one day at a time: put it into a file of its own",
            )


def refuse_duties_of_other_days(
    rows: Mapping[int, DutyRecord], zone: tzinfo, day: date, report: Report
) -> None:
    """A duty must be on the day, at least in part."""
    begin, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    for row, duty in rows.items():
        if duty.shift_end <= begin or duty.shift_start >= end:
            report.refuse(
                row,
                "shift_start",
                f"the shift is on {local_date(duty.shift_start, zone)}, the plan is for {day}",
                "correct the date, or plan that day from files of its own",
            )


def refuse_double_use(rows: Mapping[int, DutyRecord], report: Report) -> None:
    """A driver or a vehicle cannot be on two duties at once."""
    for column in ("driver", "vehicle"):
        latest: dict[str, tuple[int, DutyRecord]] = {}
        for row, duty in sorted(rows.items(), key=lambda item: item[1].shift_start):
            name = getattr(duty, column)
            before = latest.get(name)
            if before and before[1].shift_end > duty.shift_start:
                report.refuse(
                    row,
                    column,
                    f"{name!r} is on duty {before[1].id!r} (row {before[0]}) at the same time",
                    f"give each {column} one duty at a time",
                )
            elif before is None or before[1].shift_end <= duty.shift_end:
                latest[name] = (row, duty)
