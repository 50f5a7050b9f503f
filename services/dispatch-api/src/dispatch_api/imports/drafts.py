"""Rows of a CSV file on their way in: what was read, what is wrong, and which rows go together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Generic, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from atmr_engine.formats.csv_bookings import BOOKING_COLUMNS
from atmr_engine.formats.csv_day import CsvLimits, Reading, read_bookings, read_duties
from atmr_engine.formats.csv_duties import DUTY_COLUMNS
from atmr_engine.formats.csv_report import Report
from atmr_engine.formats.csv_table import Columns, Row, read_rows
from atmr_engine.formats.day_records import BookingRecord, DutyRecord
from dispatch_api.imports.schemas import ImportReport, ImportRow, RowProblem, RowResult

LIMITS = CsvLimits(rows=10_000)
ROW_WARNING = re.compile(r"^\S+ row (\d+): (.*)$", re.DOTALL)
FILE_WARNING = re.compile(r"^\S+\.csv: ")
Record = TypeVar("Record", BookingRecord, DutyRecord)


@dataclass(slots=True, kw_only=True)
class Draft(Generic[Record]):
    """One row; with an error it is bad, and so is the row that goes together with it."""

    row: int
    reference: str
    record: Record | None
    partner: int | None = None
    errors: list[RowProblem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    result: RowResult = RowResult.REFUSED
    id: UUID | None = None
    state: str | None = None

    @property
    def good(self) -> bool:
        return self.record is not None and not self.errors

    def refuse(self, column: str | None, message: str, remedy: str) -> None:
        self.errors.append(RowProblem(column=column, message=message, remedy=remedy))

    def report(self, *, with_id: bool) -> ImportRow:
        return ImportRow(
            row=self.row,
            reference=self.reference,
            result=self.result,
            id=self.id if with_id else None,
            state=self.state,
            errors=self.errors,
            warnings=self.warnings,
        )


@dataclass(slots=True, kw_only=True)
class DraftFile(Generic[Record]):
    """A file with its rows by number, and what is wrong with the file as a whole."""

    rows: dict[int, Draft[Record]]
    day: date | None
    errors: list[RowProblem]
    warnings: list[str]

    def good(self) -> list[tuple[Draft[Record], Record]]:
        """The good rows, with what was read of each."""
        return [(d, d.record) for d in self.rows.values() if d.record is not None and d.good]

    @property
    def any_bad(self) -> bool:
        return bool(self.errors) or any(not draft.good for draft in self.rows.values())

    @property
    def created(self) -> int:
        """How many rows became new bookings or duties."""
        return sum(draft.result is RowResult.CREATED for draft in self.rows.values())

    def refuse_partners(self) -> None:
        """A row that belongs together with a bad one is bad too."""
        for draft in self.rows.values():
            partner = self.rows.get(draft.partner or 0)
            if partner is not None and draft.good and not partner.good:
                draft.refuse(
                    "linked_booking_id",
                    f"belongs together with row {partner.row}, which was refused",
                    "correct that row, and import both again",
                )

    def leave_out(self) -> None:
        """Strict: nothing of a file with a bad row is imported."""
        for draft, _ in self.good():
            draft.result = RowResult.LEFT_OUT

    def report(self, *, applied: bool) -> ImportReport:
        rows = [draft.report(with_id=applied) for draft in self.rows.values()]
        return ImportReport(
            applied=applied,
            day=self.day,
            counts=dict(Counter(row.result for row in rows)),
            rows=rows,
            errors=self.errors,
            warnings=self.warnings,
        )


def draft_bookings(data: bytes, zone: ZoneInfo, day: date | None) -> DraftFile[BookingRecord]:
    """Read a bookings file; rows that are linked to each other are partners."""
    reading = read_bookings(data, zone=zone, date=day, limits=LIMITS)
    table = _table(data, BOOKING_COLUMNS)
    file = _drafts(reading, table, "booking_id")
    row_of = {draft.reference: draft.row for draft in file.rows.values()}
    for cells in table:
        partner = row_of.get(cells.text("linked_booking_id"))
        if partner is not None and partner != cells.number:
            file.rows[cells.number].partner = partner
            if file.rows[partner].partner is None:
                file.rows[partner].partner = cells.number
    file.refuse_partners()
    return file


def draft_duties(data: bytes, zone: ZoneInfo, day: date | None) -> DraftFile[DutyRecord]:
    """Read a duties file."""
    reading = read_duties(data, zone=zone, date=day, limits=LIMITS)
    return _drafts(reading, _table(data, DUTY_COLUMNS), "duty_id")


def _table(data: bytes, columns: Columns) -> list[Row]:
    """The raw rows, also the bad ones; what is wrong with them is known already."""
    return read_rows(data, columns, Report(file="", limits=LIMITS))


def _drafts(reading: Reading[Record], table: Iterable[Row], name: str) -> DraftFile[Record]:
    rows = {
        cells.number: Draft(
            row=cells.number,
            reference=cells.text(name)[:200],
            record=reading.rows.get(cells.number),
        )
        for cells in table
    }
    file = DraftFile(rows=rows, day=reading.day, errors=[], warnings=[])
    for error in reading.errors:
        draft = rows.get(error.row or 0)
        problem = RowProblem(column=error.column, message=error.message, remedy=error.remedy)
        (draft.errors if draft else file.errors).append(problem)
    for warning in reading.warnings:
        found = ROW_WARNING.match(warning)
        draft = rows.get(int(found[1])) if found else None
        text = found[2] if found and draft else FILE_WARNING.sub("", warning)
        (draft.warnings if draft else file.warnings).append(text)
    for draft in rows.values():
        if draft.record is None and not draft.errors:
            draft.refuse(None, "is wrong like rows above", "correct those first")
    return file
