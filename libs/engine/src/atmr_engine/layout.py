"""A sequence of stops as rows: windows, services, rides, links and ways, before any time is known.

Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.arrays import REST, UNREACHABLE, Arrays
from atmr_engine.compiled import inlined, inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atmr_engine.state import State

STOP = np.dtype(
    [
        ("time_s", np.float64),  # service begins; departure at the start, return at the end
        ("low_s", np.float64),
        ("high_s", np.float64),
        ("due_s", np.float64),  # the window's own end, without waiver
        ("spent_s", np.float64),  # service and cleaning
        ("travel_s", np.float64),  # from the stop before
        ("distance_km", np.float64),
        ("ride_limit_s", np.float64),
        ("direct_s", np.float64),
        ("rest_s", np.float64),  # behind the service, where driving asks for it
        ("late_s", np.float64),  # the latest that it can be while the return stays
        ("gap_s", np.float64),  # service and stay between a linked leg's drop-off and this pickup
        ("place", np.int64),
        ("pause", np.int64),  # 1 where the vehicle stands: at a break, or in reserve
        ("rests", np.int64),  # 1 at a break
        ("aboard", np.int64),  # passengers behind this stop, where ways are unsteady
        ("node", np.int64),  # -1 at start and end
        ("boarded", np.int64),  # a drop-off's pickup, by position; -1 elsewhere
        ("linked", np.int64),  # the drop-off that this pickup follows, by position; -1 elsewhere
    ]
)
NO_WAIVER: Any = np.int64(0)
LATE: Any = np.int64(1)
WAIVED: Any = np.int64(2)
"""Which waivers count: none; of windows, shifts and breaks; of ride time and duration as well."""


@inner
def lay_out(
    arrays: Arrays,
    state: State,
    sequence: NDArray[np.int64],
    count: int,
    duty: int,
    level: int,
) -> bool:
    """Fill windows, services and ways of each position; False where there is no way at all."""
    row = arrays.duties[duty]
    trial, position, nodes, requests = state.trial, state.position, arrays.nodes, arrays.requests
    lay_end(trial[0], row.start, row.open_s, np.inf)
    excess = row.shift_excess_s if level >= LATE else 0.0
    lay_end(trial[count + 1], row.end, -np.inf, row.close_s + excess)
    linked = False
    for k in range(1, count + 1):
        node = sequence[k - 1]
        position[node] = k
        stop = trial[k]
        lay_node(stop, nodes[node], level)
        stop.node = node
        if stop.pause:
            stop.place = trial[k - 1].place
            continue
        request = requests[node >> 1]
        if node & 1:
            lay_ride(stop, request, position[node - 1], level)
        linked = linked or request.after >= 0 or request.first_follower >= 0
    if linked and arrays.linked:
        bind(arrays, state, sequence, count, duty)
    return lay_ways(arrays.time_s, arrays.distance_km, trial, count)


@inlined
def lay_ways(
    times: NDArray[np.float64], distances: NDArray[np.float64], trial: NDArray[Any], count: int
) -> bool:
    """Fill the ways between the stops; False where there is none."""
    for k in range(1, count + 2):
        here, stop = trial[k - 1].place, trial[k]
        stop.travel_s = times[here, stop.place]
        stop.distance_km = distances[here, stop.place]
        if stop.travel_s >= UNREACHABLE:
            return False
    return True


@inner
def lay_ride(stop: Any, request: Any, boarded: int, level: int) -> None:
    """Tie a drop-off to its pickup."""
    stop.boarded = boarded
    stop.direct_s = request.direct_s
    stop.ride_limit_s = request.max_ride_s + (request.ride_excess_s if level == WAIVED else 0.0)


@inner
def lay_end(stop: Any, place: int, low_s: float, high_s: float) -> None:
    """Fill a start or an end."""
    stop.place = place
    stop.low_s = low_s
    stop.time_s = low_s
    stop.high_s = high_s
    stop.due_s = high_s
    stop.spent_s = 0.0
    stop.pause, stop.rests, stop.rest_s = 0, 0, 0.0
    stop.node = -1
    stop.boarded = -1
    stop.linked = -1


@inner
def lay_node(stop: Any, row: Any, level: int) -> None:
    """Fill what a node brings along by itself."""
    stop.place = row.place
    stop.rest_s = 0.0
    stop.pause, stop.rests = int(row.place < 0), int(row.kind == REST)

    stop.due_s = row.close_s
    if level >= LATE:
        stop.low_s, stop.high_s = row.waived_low_s, row.waived_high_s
    else:
        stop.low_s, stop.high_s = row.low_s, row.high_s
    stop.time_s = stop.low_s
    stop.spent_s = row.service_s + row.cleaning_s
    stop.boarded = stop.linked = -1


@inner
def bind(arrays: Arrays, state: State, sequence: NDArray[np.int64], count: int, duty: int) -> None:
    """Tie pickups and drop-offs to their linked legs, on this route or on others."""
    for k in range(1, count + 1):
        stop, node = state.trial[k], sequence[k - 1]
        if stop.pause:
            continue
        row = arrays.requests[node >> 1]
        if node & 1 and row.first_follower >= 0:
            latest = latest_for_followers(arrays, state, node >> 1, duty)
            stop.high_s = min(stop.high_s, latest)
        elif node & 1 == 0 and row.after >= 0:
            drop = 2 * row.after + 1
            where = state.position[drop]
            gap = arrays.nodes[drop].service_s + row.stay_s
            if 1 <= where <= count and sequence[where - 1] == drop:
                stop.linked = where
                stop.gap_s = gap
            elif state.route_of[row.after] >= 0 and state.route_of[row.after] != duty:
                stop.low_s = max(stop.low_s, state.begin_s[drop] + gap)
                stop.time_s = stop.low_s


@inner
def latest_for_followers(arrays: Arrays, state: State, request: int, duty: int) -> float:
    """By when a drop-off on `duty` must begin for the legs that follow it on other routes."""
    latest = np.inf
    service = arrays.nodes[2 * request + 1].service_s
    follower = arrays.requests[request].first_follower
    while follower >= 0:
        row = arrays.requests[follower]
        if state.route_of[follower] >= 0 and state.route_of[follower] != duty:
            latest = min(latest, state.begin_s[2 * follower] - row.stay_s - service)
        follower = row.next_follower
    return latest
