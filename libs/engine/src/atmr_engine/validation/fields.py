"""What many fields of a problem have in common: ids, numbers, places and windows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from atmr_engine.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atmr_engine.problem import Load, TimeWindow


def require_unique(name: str, ids: Sequence[str]) -> None:
    seen: dict[str, int] = {}
    for index, identifier in enumerate(ids):
        if not identifier:
            raise ProblemError(f"{name}[{index}].id", "must not be empty")
        if identifier in seen:
            first = seen[identifier]
            raise ProblemError(
                f"{name}[{index}].id", f"{identifier!r} is already the id of {name}[{first}]"
            )
        seen[identifier] = index


def require_not_negative(name: str, value: float, *, finite: bool = True) -> None:
    """Refuse NaN, negative and, unless `finite` is off, infinite values."""
    if math.isnan(value) or value < 0 or (finite and math.isinf(value)):
        kind = "finite and not negative" if finite else "a number and not negative"
        raise ProblemError(name, f"must be {kind}, not {value}")


def require_place(name: str, place: int | None, places: int) -> None:
    if place is not None and not 0 <= place < places:
        raise ProblemError(name, f"place {place} is outside the matrices of {places} places")


def require_window(name: str, window: TimeWindow) -> None:
    """A window opens at a finite time; it may stay open for ever."""
    if not math.isfinite(window.open_s):
        raise ProblemError(f"{name}.open_s", f"must be finite, not {window.open_s}")
    if math.isnan(window.close_s) or window.close_s < window.open_s:
        raise ProblemError(name, f"closes ({window.close_s}) before it opens ({window.open_s})")


def require_load(name: str, what: Load) -> None:
    """Counts of places are not negative."""
    for kind in ("seats", "wheelchairs", "stretchers"):
        require_not_negative(f"{name}.{kind}", getattr(what, kind))


def require_finite(name: str, value: float) -> None:
    """Refuse NaN and both infinities."""
    if not math.isfinite(value):
        raise ProblemError(name, f"must be finite, not {value}")
