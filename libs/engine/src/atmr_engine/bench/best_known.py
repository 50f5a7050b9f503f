"""Best-known values, from every `*bks*.csv` below the data folder."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from atmr_engine.formats.instance_text import InstanceError

if TYPE_CHECKING:
    from pathlib import Path

DISTANCES = ("objective_best", "distance", "cost", "objective")
"""Columns that hold the value, in order of preference; `vehicles` stands beside it."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class BestKnown:
    """The value that plans are compared with; `vehicles` means nothing but where they count."""

    vehicles: int
    distance: float


def read_best_known(folder: Path) -> dict[str, BestKnown]:
    """Best-known values by the instance's name in lower case; of two for one, the better.

    Raises:
        InstanceError: where a file is no table of `instance`, `vehicles` and a value.

    """
    best: dict[str, BestKnown] = {}
    for path in sorted(folder.rglob("*bks*.csv")):
        with path.open(newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                name, value = _value(path, row)
                best[name] = min(value, best.get(name, value))
    return best


def _value(path: Path, row: dict[str, str]) -> tuple[str, BestKnown]:
    column = next((name for name in DISTANCES if name in row), DISTANCES[0])
    try:
        name = row["instance"].lower()
        value = BestKnown(vehicles=int(row["vehicles"]), distance=float(row[column]))
    except (KeyError, TypeError, ValueError):
        remedy = f"give columns instance, vehicles and {DISTANCES[0]}"
        raise InstanceError(path, None, "is no table of best values", remedy) from None
    return name, value
