"""What a change costs and whom it moves, in words and plain units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.sentences import minutes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atmr_engine.difference import Moved
    from atmr_engine.objective import Cost

NOTHING_TO_SAY = 0.05
"""Minutes and kilometres below which a difference rounds to nothing."""
WORDS = (
    ("working_min", "{} min of work"),
    ("distance_km", "{} km"),
    ("detour_min", "{} min of detours"),
    ("overtime_min", "{} min of overtime"),
    ("lateness_min", "{} min of lateness"),
)


def difference_words(cost: Cost) -> str:
    """The terms that differ, with their signs: +12 min of work, -3.5 km."""
    said = [
        words.format(signed(getattr(cost, term)))
        for term, words in WORDS
        if abs(getattr(cost, term)) >= NOTHING_TO_SAY
    ]
    return ", ".join(said) or "no difference in minutes or km"


def signed(value: float) -> str:
    """A number with its sign and at most one decimal."""
    return f"{value:+.1f}".removesuffix(".0")


def counted(count: int, noun: str) -> str:
    """A number and its noun: 1 other, 3 others."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def moved_words(moved: Sequence[Moved]) -> str:
    """How many others are moved, and by how much at most; nothing where nobody is."""
    if not moved:
        return ""
    furthest = max(max(abs(m.pickup_by_s), abs(m.dropoff_by_s)) for m in moved)
    return f"; {counted(len(moved), 'other')} moved by up to {minutes(furthest)} min"
