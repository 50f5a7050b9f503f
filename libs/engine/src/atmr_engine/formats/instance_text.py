"""Instance files as rows of numbers; whatever else they hold is an error with line and remedy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 16_000_000
LONGEST_LINE = 1_000
MOST_VEHICLES = 10_000
MOST_NODES = 5_001
"""Travel matrices grow with its square: 5,001 nodes take 400 MB."""


class InstanceError(ValueError):
    """A file that cannot be read as what it is taken for: which one, where, and the remedy."""

    def __init__(self, path: Path, line: int | None, message: str, remedy: str) -> None:
        where = f"{path}, line {line}" if line is not None else f"{path}"
        super().__init__(f"{where}: {message}; {remedy}")
        self.path = path
        self.line = line
        self.remedy = remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The numbers of one line that is not empty; `line` counts from 1."""

    path: Path
    line: int
    values: tuple[float, ...]

    def error(self, message: str, remedy: str) -> InstanceError:
        """What is wrong in this line."""
        return InstanceError(self.path, self.line, message, remedy)

    def demand(self, count: int, columns: str) -> None:
        """Refuse a line with another count of numbers than `columns` names."""
        if len(self.values) != count:
            raise self.error(
                f"has {len(self.values)} numbers instead of {count}", f"the line holds: {columns}"
            )

    def whole(self, column: int, name: str, low: int, high: int) -> int:
        """The whole number of a column, within bounds."""
        value = self.values[column]
        if not value.is_integer() or not low <= value <= high:
            raise self.error(f"{name} is {value:g}", f"give a whole number from {low} to {high}")
        return int(value)

    def amount(self, column: int, name: str) -> float:
        """A number that is not negative."""
        value = self.values[column]
        if value < 0:
            raise self.error(f"{name} is {value:g}", "give a number that is not negative")
        return value


def read_text(path: Path, most_bytes: int = MOST_BYTES) -> str:
    """The text of a file that is not too big and is text at all."""
    try:
        with path.open("rb") as file:
            raw = file.read(most_bytes + 1)
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise InstanceError(path, None, reason, "give the path of a readable file") from None
    if len(raw) > most_bytes:
        raise InstanceError(
            path, None, f"is larger than {most_bytes:,} bytes", "give the file of one instance"
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InstanceError(path, None, "is not UTF-8 text", "give a plain text file") from None


def read_rows(path: Path) -> list[Row]:
    """All lines that hold something, as numbers.

    Raises:
        InstanceError: where there are none, or one holds anything else.

    """
    rows = [
        row_of(path, number, line)
        for number, line in enumerate(read_text(path).splitlines(), start=1)
        if line.strip()
    ]
    if not rows:
        raise InstanceError(path, None, "is empty", "give the file of an instance")
    if len(rows) > MOST_NODES + 1:
        raise InstanceError(
            path, None, f"has {len(rows):,} lines", f"at most {MOST_NODES:,} nodes are read"
        )
    return rows


def row_of(path: Path, number: int, line: str, longest: int = LONGEST_LINE) -> Row:
    """The numbers of one line.

    Raises:
        InstanceError: where it holds anything else, or is longer than `longest` characters.

    """
    if len(line) > longest:
        raise InstanceError(
            path, number, f"has {len(line):,} characters", "is this a text file of numbers?"
        )
    values = []
    for word in line.split():
        value = _number(word)
        if value is None:
            raise InstanceError(
                path, number, f"{word[:40]!r} is no number", "write numbers with blanks between"
            )
        values.append(value)
    return Row(path=path, line=number, values=tuple(values))


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
