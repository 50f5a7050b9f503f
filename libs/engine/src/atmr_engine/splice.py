"""A request goes into a plain route, or some leave it, by editing what is known of the route.

No matrix is asked but for the ways at the joints; the timetable that people see is made when the
search has ended (`placement.retime`). Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atmr_engine.arrays import NOBODY, NOTHING, Arrays
from atmr_engine.compiled import compiled, inner
from atmr_engine.profile import board, clear_load

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@inner
def copy_row(to: Any, row: Any) -> None:
    """Copy all fields of a profile's row."""
    to.time_s, to.high_s, to.spent_s = row.time_s, row.high_s, row.spent_s
    to.travel_s, to.ride_limit_s, to.direct_s = row.travel_s, row.ride_limit_s, row.direct_s
    to.low_s, to.earliest_s, to.latest_s = row.low_s, row.earliest_s, row.latest_s
    to.price, to.place, to.onward, to.pause = row.price, row.place, row.onward, row.pause
    to.boarded, to.aboard, to.alone, to.group = row.boarded, row.aboard, row.alone, row.group
    to.node = row.node
    to.seats, to.wheelchairs, to.stretchers = row.seats, row.wheelchairs, row.stretchers


@inner
def splice_in(
    arrays: Arrays,
    profile: NDArray[Any],
    route: NDArray[np.int64],
    count: int,
    request: int,
    gap: int,
    where: int,
) -> None:
    """Put pickup (in `gap`) and drop-off (after stop `where`) into a route of `count` stops."""
    for k in range(count + 1, where, -1):
        copy_row(profile[k + 2], profile[k])
        if k <= count:
            route[k + 1] = route[k - 1]
    for k in range(where, gap, -1):
        copy_row(profile[k + 1], profile[k])
        route[k] = route[k - 1]
    route[gap], route[where + 1] = 2 * request, 2 * request + 1
    rider = arrays.requests[request]
    draw_visit(arrays, profile[gap + 1], profile[gap], 2 * request)
    for k in range(gap + 1, where + 2):
        board(profile[k], rider, 1)
    draw_visit(arrays, profile[where + 2], profile[where + 1], 2 * request + 1)
    board(profile[where + 2], rider, -1)
    dropoff = profile[where + 2]
    dropoff.boarded, dropoff.direct_s = gap + 1, rider.direct_s
    dropoff.ride_limit_s = rider.max_ride_s
    for k in range(gap + 2, count + 4):
        boarded = profile[k].boarded
        if k != where + 2 and boarded > gap:
            profile[k].boarded = boarded + 1 + int(boarded > where)
    join(arrays, profile, gap + 1)
    join(arrays, profile, where + 2)


@inner
def draw_visit(arrays: Arrays, row: Any, before: Any, node: int) -> None:
    """Fill a stop that was not on the route, with the load of the one before it."""
    visit = arrays.nodes[node]
    row.low_s, row.high_s, row.place = visit.low_s, visit.high_s, visit.place
    row.spent_s = visit.service_s + visit.cleaning_s
    row.boarded, row.pause, row.onward, row.node = NOBODY, 0, NOBODY, node
    row.aboard, row.alone, row.group = before.aboard, before.alone, before.group
    row.seats, row.wheelchairs = before.seats, before.wheelchairs
    row.stretchers = before.stretchers


@inner
def join(arrays: Arrays, profile: NDArray[Any], k: int) -> None:
    """Fill the way to a visit, and the one from it to where the vehicle goes next, over breaks."""
    profile[k].travel_s = arrays.time_s[profile[k - 1].place, profile[k].place]
    k += 1
    while profile[k].pause:
        follow(arrays, profile[k], profile[k - 1])
        k += 1
    profile[k].travel_s = arrays.time_s[profile[k - 1].place, profile[k].place]


@compiled
def follow(arrays: Arrays, row: Any, before: Any) -> None:
    """Put a stop behind another one: a break is taken there, to a visit is a way."""
    if row.pause:
        row.place, row.onward = before.place, NOBODY
    row.travel_s = arrays.time_s[before.place, row.place]


@inner
def splice_out(
    arrays: Arrays,
    profile: NDArray[Any],
    route: NDArray[np.int64],
    count: int,
    is_picked: NDArray[np.uint8],
    load: Any,
    position: NDArray[np.int64],
) -> int:
    """Take all picked requests out of a route of `count` stops; returns how many stay.

    `load` and `position` (N,) are scratch room.
    """
    visits, kept, moved = 2 * arrays.requests.shape[0], NOTHING, False
    clear_load(load)
    for k in range(1, count + 2):
        if k <= count:
            node = route[k - 1]
            if node < visits and is_picked[node >> 1]:
                board(load, arrays.requests[node >> 1], -1 if node & 1 else 1)
                moved = True
                continue
            position[node] = kept + 1
            route[kept] = node
        row = profile[kept + 1]
        if kept + 1 < k:
            copy_row(row, profile[k])
            if row.boarded >= 0:
                row.boarded = position[route[kept] - 1]
        if load.aboard > 0:
            unload(row, load)
        if moved:
            follow(arrays, row, profile[kept])
            moved = row.pause == 1
        kept += 1
    return int(kept - 1)


@inner
def unload(row: Any, load: Any) -> None:
    """Take a load from what is on board behind a stop."""
    row.aboard -= load.aboard
    row.alone -= load.alone
    row.seats -= load.seats
    row.wheelchairs -= load.wheelchairs
    row.stretchers -= load.stretchers
    if row.aboard == 0:
        row.group = -1
