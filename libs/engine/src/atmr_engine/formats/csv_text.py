"""Bytes of a CSV export to records: encoding, delimiter, quotes, line ends, limits."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from atmr_engine.formats.csv_report import Report

DELIMITERS = ",;\t|"
LINES_PER_RECORD = 20
"""A quoted field may contain line breaks; one that goes on for longer was never closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The fields of one row, and its number as a spreadsheet shows it."""

    number: int
    fields: list[str]


def decoded(data: bytes | str, report: Report) -> str | None:
    """The text of a file; None, and the reason in the report, where it is no text or too long."""
    if len(data) > report.limits.megabytes * 1_000_000:
        report.refuse(
            None,
            None,
            f"is larger than {report.limits.megabytes:g} MB",
            "split the file, or check that it is the right one",
        )
        return None
    text = data if isinstance(data, str) else _text_of(data, report)
    if text is None or "\0" in text:
        report.refuse(
            None,
            None,
            "is no text file (a spreadsheet's own format?)",
            "export it as CSV, UTF-8",
        )
        return None
    return text.removeprefix("\ufeff")


def _text_of(data: bytes, report: Report) -> str | None:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _try(data, "utf-16")
    text = _try(data, "utf-8-sig")
    if text is None and b"\0" not in data:
        report.warn("is not UTF-8; read as Windows-1252: check the accents, or save it as UTF-8")
        text = _try(data, "cp1252") or data.decode("latin-1")
    return text


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def delimiter_of(text: str, known: Collection[str]) -> str:
    """The delimiter under which the first line has the most known column names."""
    first = next((line for line in text.splitlines() if line.strip()), "")

    def known_names(delimiter: str) -> int:
        names = {name.strip().strip('"').strip().lower() for name in first.split(delimiter)}
        return len(names & set(known))

    return max(DELIMITERS, key=known_names)


def records(text: str, delimiter: str, report: Report) -> Iterator[Record]:
    """The rows that are not blank; a broken one is reported and spoils no other."""
    lines = list(io.StringIO(text, newline=""))
    at, width = 0, 0
    while at < len(lines):
        fields, count = _record_at(lines, at, delimiter, width)
        if fields is None:
            report.refuse(
                at + 1,
                None,
                "cannot be read: a quote is not closed, or a field far too long",
                'write a quote inside as ""',
            )
        elif any(fields):
            width = width or len(fields)
            yield Record(number=at + 1, fields=fields)
        at += count


def _record_at(
    lines: list[str], at: int, delimiter: str, width: int
) -> tuple[list[str] | None, int]:
    """The fields of the record that begins at line `at` (None if broken), and its count of lines.

    Only a record of the header's `width` may go over several lines: an open quote that happens
    to meet a later one must not swallow the rows between.
    """
    for count in range(1, LINES_PER_RECORD + 1):
        block = "".join(lines[at : at + count])
        try:
            row = next(csv.reader(io.StringIO(block, newline=""), delimiter=delimiter, strict=True))
        except StopIteration:
            return [], count
        except csv.Error as error:
            if "unexpected end of data" in str(error) and at + count < len(lines):
                continue
            return None, 1
        if count > 1 and len(row) != width:
            return None, 1
        return [field.strip() for field in row], count
    return None, 1
