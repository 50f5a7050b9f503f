"""What an insertion test wants to know about a route, and about a request, before it tries.

Read by what `atmr_engine.compiled` compiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.arrays import Arrays
from atmr_engine.compiled import compiled
from atmr_engine.pricing import used_cost
from atmr_engine.schedule import WAIVED, latest_for_followers, lay_out

if TYPE_CHECKING:
    from atmr_engine.state import State

PROFILE = np.dtype(
    [
        ("earliest_s", np.float64),  # by windows and ways before this stop alone
        ("latest_s", np.float64),  # by windows and ways after this stop alone
        ("low_s", np.float64),
        ("high_s", np.float64),
        ("spent_s", np.float64),
        ("place", np.int64),
        ("onward", np.int64),  # where the vehicle drives next (a break is no drive)
        ("pause", np.int64),
        ("aboard", np.int64),  # passengers (requests) on board after this stop, and theirs:
        ("alone", np.int64),
        ("group", np.int64),
        ("seats", np.int64),
        ("wheelchairs", np.int64),
        ("stretchers", np.int64),
    ]
)
ASK = np.dtype(
    [
        ("pickup", np.int64),
        ("dropoff", np.int64),
        ("pickup_low_s", np.float64),
        ("pickup_high_s", np.float64),
        ("pickup_spent_s", np.float64),
        ("dropoff_low_s", np.float64),
        ("dropoff_high_s", np.float64),
        ("dropoff_spent_s", np.float64),
        ("ride_limit_s", np.float64),
        ("base_cost", np.float64),  # a lower bound on the route's cost without any detour
        ("limit", np.float64),  # what the route may cost at most
        ("length", np.int64),  # stops of the route
    ]
)
CANDIDATE = np.dtype([("least", np.float64), ("where", np.int64)])


@compiled
def profile_route(arrays: Arrays, state: State, duty: int) -> None:
    """Fill `state.profile` and `state.chain` for the duty's present route."""
    count = state.length[duty]
    lay_out(arrays, state, state.routes[duty], count, duty, WAIVED)
    profile, trial = state.profile, state.trial
    state.chain[0] = state.chain[1] = 0.0
    for k in range(count + 2):
        stop = trial[k]
        row = profile[k]
        row.place, row.pause = stop.place, stop.pause
        row.low_s, row.high_s, row.spent_s = stop.low_s, stop.high_s, stop.spent_s
        row.earliest_s = stop.low_s
        if k > 0:
            before = profile[k - 1]
            reached = before.earliest_s + before.spent_s + stop.travel_s
            row.earliest_s = max(stop.low_s, reached)
            state.chain[0] += stop.distance_km
            state.chain[1] += stop.travel_s + stop.spent_s
    profile_loads(arrays, state, duty)
    profile[count + 1].latest_s = trial[count + 1].high_s
    profile[count + 1].onward = trial[count + 1].place
    for k in range(count, -1, -1):
        row, after = profile[k], profile[k + 1]
        row.latest_s = min(row.high_s, after.latest_s - trial[k + 1].travel_s - row.spent_s)
        row.onward = after.onward if after.pause else after.place


@compiled
def profile_loads(arrays: Arrays, state: State, duty: int) -> None:
    """Who is on board after each stop."""
    profile, requests = state.profile, arrays.requests
    clear_load(profile[0])
    for k in range(1, state.length[duty] + 1):
        row, before = profile[k], profile[k - 1]
        row.aboard, row.alone, row.group = before.aboard, before.alone, before.group
        row.seats, row.wheelchairs = before.seats, before.wheelchairs
        row.stretchers = before.stretchers
        node = state.routes[duty, k - 1]
        if not row.pause:
            board(row, requests[node >> 1], -1 if node & 1 else 1)


@compiled
def clear_load(row: Any) -> None:
    """Nobody on board."""
    row.aboard = row.alone = row.seats = row.wheelchairs = row.stretchers = 0
    row.group = -1


@compiled
def board(row: Any, request: Any, sign: int) -> None:
    """Take a request on board (1) or let it off (-1)."""
    row.aboard += sign
    row.alone += sign * request.alone
    row.seats += sign * request.seats
    row.wheelchairs += sign * request.wheelchairs
    row.stretchers += sign * request.stretchers
    row.group = request.group if row.aboard > 0 else -1


@compiled
def may_join(row: Any, duty: Any, request: Any) -> bool:
    """Whether a request may ride with those on board after a stop, by sharing and places."""
    if row.aboard == 0:
        return True
    if row.alone > 0 or request.alone or row.group != request.group:
        return False
    return fits(
        duty,
        row.seats + request.seats,
        row.wheelchairs + request.wheelchairs,
        row.stretchers + request.stretchers,
    )


@compiled
def fits(capacity: Any, seats: int, wheelchairs: int, stretchers: int) -> bool:
    """Whether a load is within a duty's places, folding seats included."""
    folded = capacity.fold_wheelchair * wheelchairs + capacity.fold_stretcher * stretchers
    return bool(
        wheelchairs <= capacity.wheelchairs
        and stretchers <= capacity.stretchers
        and seats + folded <= capacity.seats
    )


@compiled
def loads_fit(arrays: Arrays, state: State, sequence: Any, count: int, duty: int) -> bool:
    """The reference test of a sequence's loads: order, places, sharing, breaks with nobody aboard.

    Each request's pickup comes before its drop-off, both or none are there.
    """
    row, capacity = state.load[0], arrays.duties[duty]
    clear_load(row)
    for k in range(count):
        state.position[sequence[k]] = k
    for k in range(count):
        node = sequence[k]
        if arrays.nodes[node].place < 0:
            if row.aboard > 0:
                return False
            continue
        request, drops = arrays.requests[node >> 1], node & 1
        other = node - 1 if drops else node + 1
        where = state.position[other]
        if not 0 <= where < count or sequence[where] != other or (where < k) != (drops == 1):
            return False
        if not drops and not may_join(row, capacity, request):
            return False
        board(row, request, -1 if drops else 1)
    return bool(row.aboard == 0)


@compiled
def ask_for(arrays: Arrays, state: State, request: int, duty: int, limit: float) -> None:
    """Fill `state.ask`: the request's places and windows as its linked legs elsewhere leave them.

    The route may cost up to `limit` more than it does.
    """
    pickup, dropoff = arrays.nodes[2 * request], arrays.nodes[2 * request + 1]
    row = arrays.requests[request]
    ask = state.ask[0]
    ask.pickup, ask.dropoff = pickup.place, dropoff.place
    ask.pickup_low_s = pickup.open_s
    ask.pickup_high_s = pickup.close_s + pickup.excess_s
    ask.pickup_spent_s = pickup.service_s
    ask.dropoff_low_s = dropoff.open_s
    ask.dropoff_high_s = dropoff.close_s + dropoff.excess_s
    ask.dropoff_spent_s = dropoff.service_s + dropoff.cleaning_s
    ask.ride_limit_s = row.max_ride_s + row.ride_excess_s
    if row.after >= 0 and state.route_of[row.after] >= 0 and state.route_of[row.after] != duty:
        drop = 2 * row.after + 1
        ready = state.begin_s[drop] + arrays.nodes[drop].service_s + row.stay_s
        ask.pickup_low_s = max(ask.pickup_low_s, ready)
    latest = latest_for_followers(arrays, state, request, duty)
    ask.dropoff_high_s = min(ask.dropoff_high_s, latest)
    weights = arrays.weights[0]
    busy_s = state.chain[1] + ask.pickup_spent_s + ask.dropoff_spent_s
    ask.base_cost = weights.distance_km * state.chain[0] + weights.working * busy_s
    ask.base_cost += used_cost(weights, arrays.duties[duty])
    ask.limit = state.cost[duty] + limit
    ask.length = state.length[duty]
