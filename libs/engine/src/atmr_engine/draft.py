"""The exact timetable of a route with a request inserted, from what is known of it without.

The same fixpoint as the reference (schedule.py), for routes without linked legs and waivers: the
rows come from the route's profile, so that no matrix is asked again. What is accepted here the
reference accepts too: the tolerance is half of its own. Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.arrays import Arrays
from atmr_engine.compiled import compiled, inner
from atmr_engine.departure import HALF, stay_longer
from atmr_engine.wish_prices import eager_cost, fair_cost

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
        ("late_s", np.float64),  # the latest that it can be while the return stays
        ("boarded", np.int64),
        ("pause", np.int64),
        ("node", np.int64),  # -1 at start and end
    ]
)


@inner
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
    pickup.boarded, pickup.pause, pickup.node = -1, 0, ask.node
    for k in range(gap + 1, where + 1):
        draw_row(draft[k + 1], profile[k], gap, where)
    dropoff = draft[where + 2]
    dropoff.time_s, dropoff.high_s = ask.dropoff_low_s, ask.dropoff_high_s
    dropoff.spent_s, dropoff.travel_s = ask.dropoff_spent_s, ways.to_dropoff_s[profile[where].place]
    dropoff.boarded, dropoff.pause, dropoff.node = gap + 1, 0, ask.node + 1
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


@inner
def draw_row(to: Any, row: Any, gap: int, where: int) -> None:
    """Copy a row of a profile; whoever boarded behind the gaps did so one or two stops later."""
    to.time_s, to.high_s, to.spent_s = row.time_s, row.high_s, row.spent_s
    to.travel_s, to.ride_limit_s, to.direct_s = row.travel_s, row.ride_limit_s, row.direct_s
    to.pause, to.node = row.pause, row.node
    to.boarded = row.boarded + int(row.boarded > gap) + int(row.boarded > where)


@inner
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


@inner
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


@inner
def idle_cost(arrays: Arrays, rows: NDArray[Any], last: int, duty: Any, longest_s: float) -> float:
    """What a settled timetable costs on top of ways and services; inf where it cannot be.

    Departure first moves as late as the return allows, then pickups and breaks as late as they can
    (see `schedule.depart_late`).
    """
    eager = arrays.eager
    for k in range(last):
        row = rows[k]
        row.late_s = row.high_s
        if eager and row.node >= 0:
            row.late_s = min(row.high_s, max(row.time_s, arrays.nodes[row.node].prefer_s))
    if stay_longer(rows, last) and not settle_plain(rows, last, longest_s):
        return np.inf
    busy_s = move_late(arrays, rows, last)
    weights, cost = arrays.weights[0], 0.0
    for k in range(1, last):
        row, before = rows[k], rows[k - 1]
        arrival = before.time_s + before.spent_s + row.travel_s
        cost += weights.waiting * max(0.0, row.time_s - arrival)
        if row.boarded >= 0:
            pickup = rows[row.boarded]
            beyond = row.time_s - pickup.time_s - pickup.spent_s - row.direct_s
            cost += weights.detour * max(0.0, beyond)
        if eager:
            cost += eager_cost(arrays, row.node, row.time_s)
    worked_s = rows[last].time_s - rows[0].time_s
    return float(cost + weights.working * (worked_s - busy_s) + fair_cost(weights, duty, worked_s))


@compiled
def move_late(arrays: Arrays, rows: NDArray[Any], last: int) -> float:
    """Move departure, pickups and breaks as late as they can; seconds of ways and services."""
    busy_s = 0.0
    for k in range(last - 1, -1, -1):
        row, after = rows[k], rows[k + 1]
        if row.boarded < 0:
            latest = min(after.time_s - after.travel_s - row.spent_s, row.high_s)
            if arrays.eager and row.node >= 0:
                latest = min(latest, arrays.nodes[row.node].prefer_s)
            row.time_s = max(row.time_s, latest)
        busy_s += row.spent_s + after.travel_s
    return busy_s
