"""What a feature is: a number with a unit, divided by a fixed scale and kept within bounds.

Scales are part of the codec's version. Nothing is fitted to data, so that training, serving and
shadow mode cannot differ by a statistic that one of them lacks.
"""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LIMIT = 8.0
"""Scaled values are kept within plus and minus this many scales."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One column: `name` carries the unit; `scale` is in that unit."""

    name: str
    scale: float
    meaning: str


def feature(scale: float, meaning: str, default: float = 0.0) -> Any:
    """A field of a dataclass that is a column of the codec."""
    return field(default=default, metadata={"scale": scale, "meaning": meaning})


@cache
def features_of(row: type) -> tuple[Feature, ...]:
    """The columns of a dataclass, in the order of its fields."""
    return tuple(_column(item) for item in fields(row) if "scale" in item.metadata)


def _column(item: Field[Any]) -> Feature:
    return Feature(item.name, item.metadata["scale"], item.metadata["meaning"])


@cache
def scales_of(row: type) -> NDArray[np.float64]:
    """The scales (F,) of the columns."""
    return np.array([column.scale for column in features_of(row)])


def measured(row: type, items: Sequence[object]) -> NDArray[np.float64]:
    """The columns (N, F) of items, unscaled, each in its own unit.

    Raises:
        ValueError: naming the first feature that is no finite number.

    """
    names = [column.name for column in features_of(row)]
    rows = [[float(getattr(item, name)) for name in names] for item in items]
    values = np.array(rows, dtype=np.float64).reshape(len(items), len(names))
    if not np.isfinite(values).all():
        where, column = np.argwhere(~np.isfinite(values))[0]
        raise ValueError(f"{names[column]} of row {where} is {values[where, column]}, no number")
    return values


def scaled(row: type, values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Columns (N, F) as a network reads them: divided by their scales, within `LIMIT`."""
    return np.clip(values / scales_of(row), -LIMIT, LIMIT).astype(np.float32)


def unscaled(row: type, encoded: NDArray[np.float32]) -> NDArray[np.float64]:
    """The columns (N, F) in their own units again; what was beyond `LIMIT` stays cut off there."""
    return encoded.astype(np.float64) * scales_of(row)
