"""What the way to a stop costs at least, as a function of when service begins there.

A rising, convex, piecewise linear function on an interval: waiting costs, departing is free.
Ride times and other ties to stops further back are left out, so that it is a lower bound.
"""

from __future__ import annotations

from typing import NamedTuple


class Cost(NamedTuple):
    """`value` at `first_s`, then pieces (slope, seconds) of rising slope, up to the last one."""

    first_s: float
    value: float
    pieces: tuple[tuple[float, float], ...]


def departure(open_s: float, close_s: float) -> Cost:
    """Departing costs nothing, whenever it is."""
    return Cost(open_s, 0.0, ((0.0, close_s - open_s),))


def advance(cost: Cost, way_s: float, waiting: float, low_s: float, high_s: float) -> Cost | None:
    """The cost at the next stop, `way_s` later or more, within its window; None outside it.

    A second of waiting in between costs `waiting`; waiting is preferred to a dearer delay before.
    """
    first, value = cost.first_s + way_s, cost.value
    if first > high_s:
        return None
    pieces = []
    skip = max(0.0, low_s - first)
    first, room = first + skip, high_s - first - skip
    for slope, length in (*cost.pieces, (waiting, float("inf"))):
        if slope > waiting:
            continue
        skipped = min(skip, length)
        value += slope * skipped if skipped else 0.0
        skip -= skipped
        usable = min(length - skipped, room)
        if usable > 0.0:
            pieces.append((slope, usable))
            room -= usable
        if room <= 0.0 and skip <= 0.0:
            break
    return Cost(first, value, tuple(pieces))
