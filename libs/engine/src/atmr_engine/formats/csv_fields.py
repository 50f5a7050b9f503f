"""Typed values from the cells of one row; what is wrong goes to the report with a remedy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from atmr_engine.formats.csv_moments import MomentError, moment_of
from atmr_engine.formats.day_records import Point

if TYPE_CHECKING:
    from datetime import date, datetime, tzinfo
    from enum import StrEnum

    from atmr_engine.formats.csv_report import Report
    from atmr_engine.formats.csv_table import Row

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_YES = frozenset({"yes", "y", "true", "1", "oui", "ja", "si", "sì", "x"})
_NO = frozenset({"no", "n", "false", "0", "non", "nein"})
_Choice = TypeVar("_Choice", bound="StrEnum")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldReader:
    """Reads the cells of one row; a method returns None where the cell is empty or wrong.

    `good` tells whether everything read so far was right.
    """

    row: Row
    report: Report
    zone: tzinfo | None
    day: date | None

    @property
    def good(self) -> bool:
        """Whether nothing in this row has been refused."""
        return self.row.number not in self.report.bad_rows

    def refuse(self, column: str | None, message: str, remedy: str) -> None:
        """Report something wrong in this row."""
        self.report.refuse(self.row.number, column, message, remedy)

    def text(self, column: str) -> str:
        """The text of a cell, empty where there is none."""
        return self.row.text(column)

    def required(self, column: str) -> str:
        """The text of a cell that must not be empty."""
        text = self.row.text(column)
        if not text:
            self.refuse(column, "is empty", "fill it in")
        return text

    def names(self, column: str) -> frozenset[str]:
        """Names separated by semicolons."""
        return frozenset(name.strip() for name in self.text(column).split(";") if name.strip())

    def number(self, column: str, low: float, high: float) -> float | None:
        """A number with a point, between `low` and `high`."""
        text = self.text(column)
        if not text:
            return None
        if not _NUMBER.fullmatch(text):
            remedy = "write digits with a point, such as 46.2044"
            if _COMMA_NUMBER.fullmatch(text):
                remedy = f"write {text.replace(',', '.')} (with a point)"
            self.refuse(column, f"{text[:80]!r} is no number", remedy)
            return None
        value = float(text)
        if not low <= value <= high:
            self.refuse(column, f"{text[:80]} is out of range", f"{low:g} to {high:g} is possible")
            return None
        return value

    def count(self, column: str, high: int, low: int = 0) -> int | None:
        """A whole number between `low` and `high`."""
        value = self.number(column, low, high)
        if value is None:
            return None
        if not value.is_integer():
            self.refuse(column, f"{self.text(column)!r} is no whole number", "round it")
            return None
        return int(value)

    def flag(self, column: str) -> bool:
        """Yes or no; empty is no."""
        text = self.text(column).lower()
        if text and text not in _YES | _NO:
            self.refuse(column, f"{text[:80]!r} is neither yes nor no", "write yes or no")
        return text in _YES

    def choice(self, column: str, kind: type[_Choice]) -> _Choice | None:
        """One of the values of `kind`, in any case of letters."""
        text = self.text(column)
        if not text:
            return None
        for value in kind:
            if value.lower() == text.lower():
                return value
        self.refuse(column, f"{text[:80]!r} is not possible", f"write {' or '.join(kind)}")
        return None

    def moment(self, column: str) -> datetime | None:
        """An aware moment."""
        text = self.text(column)
        if not text:
            return None
        try:
            return moment_of(text, self.zone, self.day)
        except MomentError as error:
            self.refuse(column, str(error), error.remedy)
            return None

    def point(self, end: str) -> Point | None:
        """The WGS84 point of `{end}_lat` and `{end}_lon`."""
        latitude, longitude = f"{end}_lat", f"{end}_lon"
        for column, other in ((latitude, longitude), (longitude, latitude)):
            if self.text(column) and not self.text(other):
                self.refuse(other, f"is empty beside {column}", "give both, or neither")
        lat, lon = self.number(latitude, -180, 180), self.number(longitude, -180, 180)
        if lat is None or lon is None:
            return None
        if lat == 0 and lon == 0:
            self.refuse(
                latitude, "0, 0 is in the Atlantic: a failed geocode", "leave both empty, or fix"
            )
            return None
        if abs(lat) > 90:  # noqa: PLR2004 (the pole)
            self.refuse_swapped(end)
            return None
        return Point(lat, lon)

    def refuse_swapped(self, end: str) -> None:
        """Report that latitude and longitude of `end` stand in each other's column."""
        lat, lon = self.text(f"{end}_lat"), self.text(f"{end}_lon")
        self.refuse(
            f"{end}_lat",
            f"latitude {lat}, longitude {lon} look swapped",
            f"write {end}_lat {lon} and {end}_lon {lat}",
        )
