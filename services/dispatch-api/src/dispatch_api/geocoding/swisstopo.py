"""Reads swisstopo's official directory of building addresses (CSV, LV95) as addresses.

Amtliches Verzeichnis der Gebäudeadressen: semicolons, UTF-8, one row per address. Planned,
outdated and unofficial addresses are left out: nobody can be picked up there yet, or any more.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dispatch_api.geocoding.errors import ExtractUnusableError
from dispatch_api.geocoding.lv95 import wgs84
from dispatch_api.geocoding.records import AddressRecord, Record

ATTRIBUTION: Final = "swisstopo, official directory of building addresses"

_REQUIRED = ("STN_LABEL", "ADR_NUMBER", "ZIP_LABEL", "ADR_EASTING", "ADR_NORTHING")


@dataclass(frozen=True, slots=True)
class SwisstopoDirectory:
    """The directory's CSV as a source of addresses."""

    path: Path
    attribution: str = ATTRIBUTION

    def records(self) -> Iterator[Record]:
        """One record per real, official address; raises ExtractUnusableError naming the line."""
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                rows = csv.DictReader(file, delimiter=";")
                self._check_columns(rows.fieldnames or ())
                for row in rows:
                    if _is_in_use(row):
                        yield self._record(row, rows.line_num)
        except (UnicodeDecodeError, csv.Error) as error:
            raise ExtractUnusableError(
                f"{self.path} is not UTF-8 CSV ({error}); unpack the download and give the .csv"
            ) from error

    def _check_columns(self, names: object) -> None:
        present = set(names) if isinstance(names, (list, tuple)) else set()
        missing = [name for name in _REQUIRED if name not in present]
        if missing:
            raise ExtractUnusableError(
                f"{self.path} lacks the columns {', '.join(missing)}; expected is swisstopo's"
                " directory of building addresses with ';' between columns"
            )

    def _record(self, row: dict[str, str], line: int) -> AddressRecord:
        try:
            lat, lon = wgs84(float(row["ADR_EASTING"]), float(row["ADR_NORTHING"]))
        except (ValueError, TypeError) as error:
            raise ExtractUnusableError(f"{self.path}, line {line}: {error}") from error
        postcode, _, city = (row["ZIP_LABEL"] or "").partition(" ")
        return AddressRecord(
            street=row["STN_LABEL"],
            house_number=row["ADR_NUMBER"] or "",
            postcode=postcode,
            city=city,
            lat=lat,
            lon=lon,
            municipality=row.get("COM_NAME") or "",
        )


def _is_in_use(row: dict[str, str]) -> bool:
    status = (row.get("ADR_STATUS") or "real").strip().lower()
    official = (row.get("ADR_OFFICIAL") or "true").strip().lower()
    return status == "real" and official in {"true", "1"} and bool(row["STN_LABEL"])
