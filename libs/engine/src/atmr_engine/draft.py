"""The exact timetable of a route with a request inserted, from what is known of it without.

The same fixpoint as the reference (schedule.py), for routes without linked legs and waivers: the
rows come from the route's profile, so that no matrix is asked again. What is accepted here the
reference accepts too: the tolerance is half of its own. Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.arrays import TOLERANCE
from atmr_engine.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atmr_engine.judgement import Ways

DRAFT = np.dtype(
    [
        ("time_s", np.float64),
        ("high_s", np.float64),
        ("spent_s", np.float64),
        ("travel_s", np.float64),
        ("ride_limit_s", np.float64),
        ("direct_s", np.float64),
        ("boarded", np.int64),
        ("pause", np.int64),
    ]
)
HALF = TOLERANCE / 2


@compiled
def draft_insertion(
    ways: Ways,
    profile: NDArray[Any],
    ask: Any,
    gap: int,
    where: int,
    draft: NDArray[Any],
    sooner: bool,  # noqa: FBT001 (compiled code has no keywords)
) -> None:
    """Write the route (`ask.length` stops) with pickup and drop-off inserted to `draft`.

    Times begin at those of the route without, unless stops can come `sooner` than in it.
    """
    for k in range(gap + 1):
        draw_row(draft[k], profile[k], gap, where)
    pickup = draft[gap + 1]
    pickup.time_s, pickup.high_s = ask.pickup_low_s, ask.pickup_high_s
    pickup.spent_s, pickup.travel_s = ask.pickup_spent_s, ways.to_pickup_s[profile[gap].place]
    pickup.boarded, pickup.pause = -1, 0
    for k in range(gap + 1, where + 1):
        draw_row(draft[k + 1], profile[k], gap, where)
    dropoff = draft[where + 2]
    dropoff.time_s, dropoff.high_s = ask.dropoff_low_s, ask.dropoff_high_s
    dropoff.spent_s, dropoff.travel_s = ask.dropoff_spent_s, ways.to_dropoff_s[profile[where].place]
    dropoff.boarded, dropoff.pause = gap + 1, 0
    dropoff.ride_limit_s, dropoff.direct_s = ask.ride_limit_s, ask.direct_s
    for k in range(where + 1, ask.length + 2):
        draw_row(draft[k + 2], profile[k], gap, where)
    if gap == where:
        dropoff.travel_s = ways.from_pickup_s[ask.dropoff]
    else:
        draft[gap + 2].travel_s = ways.from_pickup_s[profile[gap + 1].place]
    k = where + 1
    while profile[k].pause:
        k += 1
    draft[k + 2].travel_s = ways.from_dropoff_s[profile[k].place]
    if sooner:
        for k in range(ask.length + 2):
            draft[k + int(k > gap) + int(k > where)].time_s = profile[k].low_s


@compiled
def draw_row(to: Any, row: Any, gap: int, where: int) -> None:
    """Copy a row of a profile; whoever boarded behind the gaps did so one or two stops later."""
    to.time_s, to.high_s, to.spent_s = row.time_s, row.high_s, row.spent_s
    to.travel_s, to.ride_limit_s, to.direct_s = row.travel_s, row.ride_limit_s, row.direct_s
    to.pause = row.pause
    to.boarded = row.boarded + int(row.boarded > gap) + int(row.boarded > where)


@compiled
def settle_plain(rows: NDArray[Any], last: int, longest_s: float) -> bool:
    """Raise all times to the least fixpoint; False where there is none (see `schedule.settle`)."""
    first = 1
    for _ in range(last + 2):
        for k in range(first, last + 1):
            row, before = rows[k], rows[k - 1]
            time = max(row.time_s, before.time_s + before.spent_s + row.travel_s)
            if time > row.high_s + HALF:
                return False
            row.time_s = time
        first = raise_plain(rows, last, longest_s)
        if first <= 0:
            return first == 0
    return False


@compiled
def raise_plain(rows: NDArray[Any], last: int, longest_s: float) -> int:
    """Delay pickups and departure: behind the first that moved; 0 if none did, -1 if impossible."""
    first = 0
    for k in range(last - 1, 0, -1):
        row = rows[k]
        if row.boarded >= 0:
            pickup = rows[row.boarded]
            needed = row.time_s - row.ride_limit_s - pickup.spent_s
            if needed > pickup.time_s + HALF:
                if needed > pickup.high_s + HALF:
                    return -1
                pickup.time_s = needed
                first = row.boarded + 1 if first == 0 else min(first, row.boarded + 1)
    needed = rows[last].time_s - longest_s
    if needed > rows[0].time_s + HALF:
        rows[0].time_s, first = needed, 1
    return first


@compiled
def idle_cost(rows: NDArray[Any], last: int, weights: Any) -> float:
    """What waiting, standing and rides beyond the direct way cost in a settled timetable.

    Departure, pickups and breaks first move as late as they can (see `schedule.depart_late`).
    """
    busy_s, cost = 0.0, 0.0
    for k in range(last - 1, -1, -1):
        row, after = rows[k], rows[k + 1]
        if row.boarded < 0:
            latest = min(after.time_s - after.travel_s - row.spent_s, row.high_s)
            row.time_s = max(row.time_s, latest)
        arrival = row.time_s + row.spent_s + after.travel_s
        busy_s += row.spent_s + after.travel_s
        if k + 1 < last:
            cost += weights.waiting * max(0.0, after.time_s - arrival)
    for k in range(1, last):
        row = rows[k]
        if row.boarded >= 0:
            pickup = rows[row.boarded]
            beyond = row.time_s - pickup.time_s - pickup.spent_s - row.direct_s
            cost += weights.detour * max(0.0, beyond)
    return float(cost + weights.working * (rows[last].time_s - rows[0].time_s - busy_s))
