"""House numbers: '12', '12a', '12 bis', '12-16', '12;14' read into something comparable."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dispatch_api.geocoding.spelling import fold

_SUFFIX = r"(?:bis|ter|quater|[a-z])"
_PART = re.compile(
    rf"([0-9]{{1,5}})\s?({_SUFFIX}?)(?:\s?[-/]\s?([0-9]{{1,5}})\s?({_SUFFIX}?))?"
    r"(?:\s[0-9]+)?$"
)
"""Number, suffix, the end of a range; a flat's number after them ('11 B 9') is passed over."""
_BARE_SUFFIX = re.compile(rf"([0-9]{{1,5}}\s?{_SUFFIX})[-/]([a-z])$")


@dataclass(frozen=True, slots=True)
class HouseNumber:
    """A number with its suffix ('' where none), and the end of the range that it may be."""

    low: int
    high: int
    suffix: str

    @property
    def folded(self) -> str:
        """One spelling per number: '12 BIS' and '12bis' are both '12bis'."""
        if self.high > self.low:
            return f"{self.low}-{self.high}{self.suffix}"
        return f"{self.low}{self.suffix}"

    def holds(self, other: HouseNumber) -> bool:
        """Whether `other` is this house, or one that this range runs past.

        A range counts the numbers of its own side of the street: 12-16 holds 14, not 13.
        """
        if self == other:
            return True
        one_side = (other.low - self.low) % 2 == 0 or (self.high - self.low) % 2 == 1
        inside = self.low <= other.low and other.high <= self.high
        return self.high > self.low and not other.suffix and inside and one_side

    def apart(self, other: HouseNumber) -> tuple[int, bool]:
        """How far two numbers of a street are from one another, nearest first when sorted."""
        distance = max(0, other.low - self.high, self.low - other.high)
        return distance, (distance % 2 == 1)


def parse(text: str) -> HouseNumber | None:
    """One number or range; None where the text is no house number."""
    compact = re.sub(r"\s*[\u2013\u2014]\s*", "-", text.strip()).casefold()
    letters = _BARE_SUFFIX.fullmatch(compact)
    if letters:
        compact = letters.group(1)
    found = _PART.match(compact)
    if not found:
        return None
    low, suffix, high, last_suffix = found.groups()
    first = int(low)
    last = int(high) if high else first
    last = max(last, first)
    return HouseNumber(first, last, suffix or last_suffix or "")


def parse_list(text: str) -> list[tuple[str, HouseNumber]]:
    """Every house of a source's field ('12;14a'), as (what stands there, number)."""
    parts = (part.strip() for part in re.split(r"[;,+]", text))
    numbers = ((part, parse(part)) for part in parts if fold(part))
    return [(part, number) for part, number in numbers if number]
