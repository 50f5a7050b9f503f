"""What a reader of CSV files has to say: errors by row and column, each with its remedy."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvLimits:
    """Bounds on what is read, so that no file can exhaust the machine.

    `megabytes` and `rows` bound the file, `field_characters` one field, `errors` the errors kept
    (the rest is counted).
    """

    megabytes: float = 10.0
    rows: int = 50_000
    field_characters: int = 1_000
    errors: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """One thing that is wrong. `row` is numbered as a spreadsheet shows it: the header is 1.

    `row` None: the file as a whole; `column` None: the row as a whole.
    """

    file: str
    row: int | None
    column: str | None
    message: str
    remedy: str

    def __str__(self) -> str:
        where = self.file if self.row is None else f"{self.file} row {self.row}"
        where = where if self.column is None else f"{where}, column {self.column}"
        return f"{where}: {self.message} — {self.remedy}"

    def as_json(self) -> dict[str, str | int | None]:
        """Plain values for a program."""
        return {
            "file": self.file,
            "row": self.row,
            "column": self.column,
            "message": self.message,
            "remedy": self.remedy,
        }


@dataclass(slots=True, kw_only=True)
class Report:
    """Collects what is wrong with one file; `unlisted` counts the errors beyond the limit."""

    file: str
    limits: CsvLimits = field(default_factory=CsvLimits)
    errors: list[RowError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unlisted: int = 0
    bad_rows: set[int] = field(default_factory=set)

    def refuse(self, row: int | None, column: str | None, message: str, remedy: str) -> None:
        """Record an error; the row it names is bad from now on."""
        if row is not None:
            self.bad_rows.add(row)
        if len(self.errors) >= self.limits.errors:
            self.unlisted += 1
            return
        self.errors.append(
            RowError(file=self.file, row=row, column=column, message=message, remedy=remedy)
        )

    def warn(self, message: str, row: int | None = None) -> None:
        """Record something that people should know and that stops nothing."""
        where = self.file if row is None else f"{self.file} row {row}"
        if len(self.warnings) < self.limits.errors:
            self.warnings.append(f"{where}: {message}")
