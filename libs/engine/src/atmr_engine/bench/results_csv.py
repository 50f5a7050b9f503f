"""Every single run as a line of CSV, written as soon as it is done, and read again.

The first lines, after `#`, say with which command, on what and with which versions it was made.
"""

from __future__ import annotations

import csv
from types import UnionType
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from atmr_engine.bench.run import COLUMNS, Run
from atmr_engine.formats.instance_text import InstanceError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import TextIO

NOTE = "# "


class ResultsFile:
    """A CSV being written; each run is on the disk when `add` returns."""

    def __init__(self, file: TextIO, notes: Iterable[str]) -> None:
        self._file = file
        file.writelines(f"{NOTE}{note}\n" for note in notes)
        self._rows = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        self._rows.writeheader()
        file.flush()

    def add(self, run: Run) -> None:
        """Write a run."""
        self._rows.writerow({name: _written(getattr(run, name)) for name in COLUMNS})
        self._file.flush()


def read_results(path: Path) -> tuple[list[str], list[Run]]:
    """The notes and the runs of a CSV that `ResultsFile` wrote.

    Raises:
        InstanceError: where it is none.

    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise InstanceError(path, None, reason, "give a CSV of an earlier run") from None
    notes = [line.removeprefix(NOTE) for line in lines if line.startswith(NOTE)]
    rows = csv.DictReader(line for line in lines if not line.startswith(NOTE))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise InstanceError(path, None, "is no table of runs", "give a CSV of an earlier run")
    types = get_type_hints(Run)
    try:
        return notes, [Run(**{k: _read(types[k], row[k]) for k in COLUMNS}) for row in rows]
    except (TypeError, ValueError) as error:
        raise InstanceError(
            path, None, f"is damaged ({error})", "run the benchmark again"
        ) from None


def _written(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.9g}"
    return "" if value is None else value


def _read(wanted: Any, text: str) -> Any:
    """A field from its text; an optional one may be empty."""
    if isinstance(wanted, UnionType):
        return None if text == "" else _read(get_args(wanted)[0], text)
    return text == "True" if wanted is bool else wanted(text)
