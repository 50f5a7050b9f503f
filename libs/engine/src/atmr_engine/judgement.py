"""Whether a route keeps its rules with a request inserted, from what is known of it without.

All times of a route are the earliest that they can be; an insertion moves some of them later, and
mostly that dies out after a few stops. Where somebody on board would have to be picked up later,
the reference timetable (schedule.py) must say. Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from atmr_engine.compiled import compiled, inlined
from atmr_engine.draft import HALF

if TYPE_CHECKING:
    from numpy.typing import NDArray

REFUSED: Any = np.int64(0)
FITS: Any = np.int64(1)
UNSURE: Any = np.int64(2)
SOONER: Any = np.int64(3)
"""Also unsure: without triangle inequality, or past a break, the way round can be the shorter."""


class Ways(NamedTuple):
    """Rows (P + 1,) of the matrices: the ways to and from a request's two places."""

    to_pickup_s: NDArray[np.float64]
    from_pickup_s: NDArray[np.float64]
    to_dropoff_s: NDArray[np.float64]
    from_dropoff_s: NDArray[np.float64]
    price_to_pickup: NDArray[np.float64]
    price_from_pickup: NDArray[np.float64]
    price_to_dropoff: NDArray[np.float64]
    price_from_dropoff: NDArray[np.float64]


@compiled
def judge(  # noqa: PLR0917 (compiled code has no keywords)
    ways: Ways,
    profile: NDArray[Any],
    chain: Any,
    ask: Any,
    gap: int,
    where: int,
    shifted: NDArray[np.float64],
) -> int:
    """FITS, REFUSED, UNSURE or SOONER for a pickup in `gap` and a drop-off after stop `where`.

    `shifted` is room for the times of the stops behind the pickup.
    """
    before = profile[gap]
    begin = before.time_s + before.spent_s + ways.to_pickup_s[before.place]
    begin = max(begin, ask.pickup_low_s)
    if begin > ask.pickup_high_s + HALF:
        return REFUSED
    boarded = begin + ask.pickup_spent_s
    leave, verdict = boarded, FITS
    way = ways.from_pickup_s[profile[gap + 1].place]
    for k in range(gap + 1, where + 1):
        stop = profile[k]
        if k == gap + 1 and leave + way < arrival_at(profile, k):
            return SOONER
        time = max(leave + way, stop.time_s)
        if time > stop.high_s + HALF:
            return REFUSED
        shifted[k] = time
        if stop.boarded >= 0:
            heard = ride(profile, stop, time, gap, shifted)
            if heard == REFUSED:
                return REFUSED
            verdict = max(verdict, heard)
        leave = time + stop.spent_s
        way = profile[k + 1].travel_s
    to_dropoff = ways.to_dropoff_s[profile[where].place]
    if where == gap:
        to_dropoff = ways.from_pickup_s[ask.dropoff]
    dropped = max(leave + to_dropoff, ask.dropoff_low_s)
    if dropped > ask.dropoff_high_s + HALF:
        return REFUSED
    needed = dropped - ask.ride_limit_s
    if needed > boarded + HALF:
        if needed - ask.pickup_spent_s > ask.pickup_high_s + HALF:
            return REFUSED
        if where > gap:
            verdict = UNSURE
    return after_dropoff(ways, profile, chain, ask, gap, where, dropped, verdict, shifted)


@compiled
def after_dropoff(  # noqa: PLR0917 (compiled code has no keywords)
    ways: Ways,
    profile: NDArray[Any],
    chain: Any,
    ask: Any,
    gap: int,
    where: int,
    dropped_s: float,
    verdict: int,
    shifted: NDArray[np.float64],
) -> int:
    """The verdict once the stops behind the drop-off, as far as they move, have had their say."""
    leave, pending = dropped_s + ask.dropoff_spent_s, True
    for k in range(where + 1, ask.length + 2):
        stop = profile[k]
        way = stop.travel_s
        if pending and not stop.pause:
            way, pending = ways.from_dropoff_s[stop.place], False
            if leave + way < arrival_at(profile, k):
                return SOONER
        time = leave + way
        if time <= stop.time_s:
            if not pending:
                return verdict
            time = stop.time_s
        if time > stop.high_s + HALF:
            return REFUSED
        shifted[k] = time
        if stop.boarded >= 0:
            heard = ride(profile, stop, time, gap, shifted)
            if heard == REFUSED:
                return REFUSED
            verdict = max(verdict, heard)
        leave = time + stop.spent_s
    if leave - chain.longest_s > profile[0].time_s + HALF:
        verdict = UNSURE
    return verdict


@inlined
def arrival_at(profile: NDArray[Any], k: int) -> float:
    """When the vehicle reaches a stop of the route as it is."""
    before = profile[k - 1]
    return float(before.time_s + before.spent_s + profile[k].travel_s)


@compiled
def ride(
    profile: NDArray[Any], stop: Any, time_s: float, gap: int, shifted: NDArray[np.float64]
) -> int:
    """Whether somebody whose drop-off moves to `time_s` is still within their ride time."""
    pickup = profile[stop.boarded]
    begin = shifted[stop.boarded] if stop.boarded > gap else pickup.time_s
    needed = time_s - stop.ride_limit_s - pickup.spent_s
    if needed <= begin + HALF:
        return FITS
    return REFUSED if needed > pickup.high_s + HALF else UNSURE
