"""Whether a route keeps its rules with a request inserted, from what is known of it without.

All times of a route are the earliest that they can be; an insertion moves some of them later, and
mostly that dies out after a few stops. Where somebody on board would have to be picked up later,
the reference timetable (schedule.py) must say. Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from atmr_engine.compiled import compiled, inlined, inner
from atmr_engine.departure import HALF

if TYPE_CHECKING:
    from numpy.typing import NDArray

REFUSED, FITS, UNSURE, SOONER = 0, 1, 2, 3
"""SOONER is unsure too: past a break, or without triangle inequality, the way round can be less."""


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
def judge(
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
    leave, verdict, to_dropoff = boarded, FITS, ways.from_pickup_s[ask.dropoff]
    if where > gap:
        leave, verdict = between(ways, profile, gap, where, boarded, shifted)
        to_dropoff = ways.to_dropoff_s[profile[where].place]
        if is_settled(verdict):
            return int(verdict)
    dropped = max(leave + to_dropoff, ask.dropoff_low_s)
    latest = ask.pickup_high_s + ask.pickup_spent_s + ask.ride_limit_s
    if dropped > min(ask.dropoff_high_s, latest) + HALF:
        return REFUSED
    if where > gap and dropped - ask.ride_limit_s > boarded + HALF:
        verdict = UNSURE
    leave = dropped + ask.dropoff_spent_s
    heard = behind(ways, profile, ask, gap, where, leave, shifted)
    if heard == FITS and shifted[0] - chain.longest_s > before_all(profile):
        heard = UNSURE
    return int(heard if is_settled(heard) else max(verdict, heard))


@inlined
def is_settled(verdict: int) -> bool:
    """Whether no other stop can change a verdict."""
    return verdict == REFUSED or verdict == SOONER  # noqa: PLR1714 (a set would be made each time)


@inlined
def before_all(profile: NDArray[Any]) -> float:
    """When the vehicle departs at the earliest."""
    return float(profile[0].time_s + HALF)


@inner
def between(
    ways: Ways,
    profile: NDArray[Any],
    gap: int,
    where: int,
    leave_s: float,
    shifted: NDArray[np.float64],
) -> tuple[float, int]:
    """When the vehicle leaves the last stop before the drop-off, and the verdict so far."""
    leave, way, verdict = leave_s, ways.from_pickup_s[profile[gap + 1].place], FITS
    if leave + way < arrival_at(profile, gap + 1):
        return leave, SOONER
    for k in range(gap + 1, where + 1):
        stop = profile[k]
        time = max(leave + way, stop.time_s)
        if time > stop.high_s + HALF:
            return leave, REFUSED
        shifted[k] = time
        if stop.boarded >= 0:
            heard = ride(profile, stop, time, gap, shifted)
            if heard == REFUSED:
                return leave, REFUSED
            verdict = max(verdict, heard)
        leave = time + stop.spent_s
        way = profile[k + 1].travel_s
    return leave, verdict


@inner
def behind(
    ways: Ways,
    profile: NDArray[Any],
    ask: Any,
    gap: int,
    where: int,
    leave_s: float,
    shifted: NDArray[np.float64],
) -> int:
    """What the stops behind the drop-off say, as far as they move; `shifted[0]`: the return."""
    leave, pending, verdict = leave_s, True, FITS
    shifted[0] = -np.inf
    for k in range(where + 1, ask.length + 2):
        stop = profile[k]
        way = stop.travel_s
        if pending and not stop.pause:
            way, pending = ways.from_dropoff_s[stop.place], False
            if leave + way < arrival_at(profile, k):
                return SOONER
        time = max(leave + way, stop.time_s)
        if not pending and time == stop.time_s:
            return verdict
        if time > stop.high_s + HALF:
            return REFUSED
        shifted[k] = time
        if stop.boarded >= 0:
            heard = ride(profile, stop, time, gap, shifted)
            if heard == REFUSED:
                return REFUSED
            verdict = max(verdict, heard)
        leave = time + stop.spent_s
    shifted[0] = leave
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
