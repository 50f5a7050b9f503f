"""A CSV table: a checked header and rows as mappings from column to text, within limits."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from atmr_engine.formats.csv_text import Record, decoded, delimiter_of, records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from atmr_engine.formats.csv_report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The columns that a kind of file may have, and which of them it must have."""

    known: tuple[str, ...]
    required: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: its number and its cells; a column that the file lacks is an empty cell.

    A `broken` row is refused already; its cells only serve to know who it was.
    """

    number: int
    cells: Mapping[str, str]
    broken: bool = False

    def text(self, column: str) -> str:
        """The cell's text without surrounding blanks; empty where there is none."""
        return self.cells.get(column, "")


def read_rows(data: bytes | str, columns: Columns, report: Report) -> list[Row]:
    """The rows of the file; what is wrong with it and with broken rows is in the report."""
    text = decoded(data, report)
    if text is None:
        return []
    stream = records(text, delimiter_of(text, columns.known), report)
    first = next(stream, None)
    if first is None:
        report.refuse(None, None, "is empty", f"give it a header: {_names(columns)}")
        return []
    header = _header(first, columns, report)
    if header is None:
        return []
    rows = list(_rows(header, islice(stream, report.limits.rows), report))
    if next(stream, None) is not None:
        report.refuse(
            None, None, f"has more than {report.limits.rows} rows", "split it into several files"
        )
    return rows


def _names(columns: Columns) -> str:
    return ", ".join(sorted(columns.required))


def _header(first: Record, columns: Columns, report: Report) -> list[str] | None:
    names = [name.strip().lower() for name in first.fields]
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        report.refuse(first.number, name[:80], "stands twice in the header", "keep one of them")
    for name in sorted(columns.required - set(names)):
        report.refuse(
            first.number,
            name,
            "is missing in the header",
            "add the column, or check the delimiter and the spelling of the header",
        )
    for name in names:
        if name and name not in columns.known:
            report.warn(f"unknown column {name[:80]!r} is not read{_suggestion(name, columns)}")
    return None if report.errors else names


def _suggestion(name: str, columns: Columns) -> str:
    close = difflib.get_close_matches(name[:80], columns.known, n=1, cutoff=0.75)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _rows(header: list[str], stream: Iterator[Record], report: Report) -> Iterator[Row]:
    for record in stream:
        cells = dict(zip(header, record.fields, strict=False))
        if len(record.fields) != len(header):
            report.refuse(
                record.number,
                None,
                f"has {len(record.fields)} fields where the header has {len(header)}",
                "quote fields that contain the delimiter, and keep empty fields",
            )
        _refuse_long_fields(record.number, cells, report)
        yield Row(number=record.number, cells=cells, broken=record.number in report.bad_rows)


def _refuse_long_fields(number: int, cells: Mapping[str, str], report: Report) -> None:
    limit = report.limits.field_characters
    for column, text in cells.items():
        if len(text) > limit:
            report.refuse(
                number, column[:80], f"has {len(text)} characters", f"shorten it to {limit}"
            )
