"""What an insertion test wants to know about a route, and about a request, before it tries.

Read by what `atmr_engine.compiled` compiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.arrays import NOBODY, Arrays
from atmr_engine.compiled import compiled, inlined, inner
from atmr_engine.draft import settle_plain
from atmr_engine.layout import NO_WAIVER, WAIVED, latest_for_followers, lay_out
from atmr_engine.pricing import used_cost

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atmr_engine.state import State

PROFILE = np.dtype(
    [
        ("time_s", np.float64),  # the earliest in any timetable of the route
        ("high_s", np.float64),
        ("spent_s", np.float64),
        ("travel_s", np.float64),  # from the stop before
        ("ride_limit_s", np.float64),
        ("direct_s", np.float64),
        ("low_s", np.float64),
        ("earliest_s", np.float64),  # by windows and ways before this stop alone
        ("latest_s", np.float64),  # by windows and ways after this stop alone
        ("price", np.float64),  # of the way onward
        ("place", np.int64),
        ("onward", np.int64),  # where the vehicle drives next (a break is no drive)
        ("pause", np.int64),
        ("node", np.int64),
        ("boarded", np.int64),  # a drop-off's pickup, by position; -1 elsewhere
        ("aboard", np.int64),  # passengers (requests) on board after this stop, and theirs:
        ("alone", np.int64),
        ("group", np.int64),
        ("seats", np.int64),
        ("wheelchairs", np.int64),
        ("stretchers", np.int64),
    ]
)
CHAIN = np.dtype(
    [
        ("version", np.int64),  # of the route that was profiled
        ("plain", np.int64),  # 1 where it can be edited and timed alone: no link, no waiver
        ("stops", np.int64),  # rows of the profile, start and end included
        ("least", np.float64),  # the least that the route can cost
        ("longest_s", np.float64),
    ]
)
ASK = np.dtype(
    [
        ("node", np.int64),  # of the pickup
        ("pickup", np.int64),
        ("dropoff", np.int64),
        ("pickup_low_s", np.float64),
        ("pickup_high_s", np.float64),
        ("pickup_spent_s", np.float64),
        ("dropoff_low_s", np.float64),
        ("dropoff_high_s", np.float64),
        ("dropoff_spent_s", np.float64),
        ("ride_limit_s", np.float64),
        ("direct_s", np.float64),
        ("base_cost", np.float64),  # a lower bound on the route's cost without any detour
        ("limit", np.float64),  # what the route may cost at most
        ("length", np.int64),  # stops of the route
    ]
)
CANDIDATE = np.dtype([("least", np.float64), ("where", np.int64)])


@inner
def profile_route(arrays: Arrays, state: State, duty: int) -> None:
    """Fill `state.profiles[duty]` and `state.chains[duty]` for the duty's present route."""
    count = state.length[duty]
    chain, row = state.chains[duty], arrays.duties[duty]
    chain.version = state.version[duty]
    chain.longest_s = row.max_duration_s
    steady = not arrays.waived and not row.unsteady
    chain.plain = int(steady and not follows_itself(arrays, state, duty))
    level = NO_WAIVER if chain.plain else WAIVED
    lay_out(arrays, state, state.routes[duty], count, duty, level)
    profile = state.profiles[duty]
    for k in range(count + 2):
        draw_stop(profile[k], state.trial[k])
    profile_loads(arrays, state, duty)
    derive(arrays, profile, chain, duty, count)


@inner
def draw_stop(row: Any, stop: Any) -> None:
    """Take over what a laid-out stop says of itself."""
    row.place, row.pause, row.boarded, row.node = stop.place, stop.pause, stop.boarded, stop.node
    row.low_s, row.high_s, row.spent_s = stop.low_s, stop.high_s, stop.spent_s
    row.ride_limit_s, row.direct_s = stop.ride_limit_s, stop.direct_s
    row.travel_s, row.time_s, row.onward = stop.travel_s, stop.low_s, NOBODY


@inner
def derive(arrays: Arrays, profile: NDArray[Any], chain: Any, duty: int, count: int) -> None:
    """Fill what follows from the stops and the ways between them: bounds, times, the least cost."""
    profile[0].earliest_s = profile[0].time_s = profile[0].low_s
    spent_s, cost = 0.0, 0.0
    for k in range(1, count + 2):
        row, before = profile[k], profile[k - 1]
        reached = before.earliest_s + before.spent_s + row.travel_s
        row.earliest_s = row.time_s = max(row.low_s, reached)
        spent_s += row.spent_s
    chain.plain = int(chain.plain and settle_plain(profile, count + 1, chain.longest_s))
    end = profile[count + 1]
    end.latest_s, end.onward, end.price = end.high_s, end.place, 0.0
    for k in range(count, -1, -1):
        row, after = profile[k], profile[k + 1]
        row.latest_s = min(row.high_s, after.latest_s - after.travel_s - row.spent_s)
        onward = after.onward if after.pause else after.place
        if row.onward != onward:
            row.onward = onward
            row.price = arrays.price[row.place, onward]
        if not after.pause:
            cost += row.price
    weights = arrays.weights[0]
    chain.stops = count + 2
    chain.least = used_cost(weights, arrays.duties[duty]) + cost + weights.working * spent_s


@inlined
def follows_itself(arrays: Arrays, state: State, duty: int) -> bool:
    """Whether a leg on the route is linked to another leg, on it or elsewhere."""
    linked = False
    if arrays.linked:
        for k in range(state.length[duty]):
            node = state.routes[duty, k]
            if node < 2 * arrays.requests.shape[0]:
                row = arrays.requests[node >> 1]
                linked = linked or row.after >= 0 or row.first_follower >= 0
    return linked


@inner
def profile_loads(arrays: Arrays, state: State, duty: int) -> None:
    """Who is on board after each stop."""
    profile, requests = state.profiles[duty], arrays.requests
    clear_load(profile[0])
    for k in range(1, state.length[duty] + 1):
        row, before = profile[k], profile[k - 1]
        row.aboard, row.alone, row.group = before.aboard, before.alone, before.group
        row.seats, row.wheelchairs = before.seats, before.wheelchairs
        row.stretchers = before.stretchers
        node = state.routes[duty, k - 1]
        if not row.pause:
            board(row, requests[node >> 1], -1 if node & 1 else 1)


@inner
def clear_load(row: Any) -> None:
    """Nobody on board."""
    row.aboard = row.alone = row.seats = row.wheelchairs = row.stretchers = 0
    row.group = -1


@inner
def board(row: Any, request: Any, sign: int) -> None:
    """Take a request on board (1) or let it off (-1)."""
    row.aboard += sign
    row.alone += sign * request.alone
    row.seats += sign * request.seats
    row.wheelchairs += sign * request.wheelchairs
    row.stretchers += sign * request.stretchers
    row.group = request.group if row.aboard > 0 else -1


@inner
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


@inlined
def ask_for(arrays: Arrays, state: State, request: int, duty: int, limit: float) -> None:
    """Fill `state.ask`: the request's places and windows as its linked legs elsewhere leave them.

    The route may cost up to `limit` more than it does.
    """
    pickup, dropoff = arrays.nodes[2 * request], arrays.nodes[2 * request + 1]
    row = arrays.requests[request]
    ask = state.ask[0]
    ask.node, ask.pickup, ask.dropoff = 2 * request, pickup.place, dropoff.place
    ask.pickup_low_s, ask.pickup_high_s = pickup.waived_low_s, pickup.waived_high_s
    ask.dropoff_low_s, ask.dropoff_high_s = dropoff.waived_low_s, dropoff.waived_high_s
    ask.pickup_spent_s = pickup.service_s
    ask.dropoff_spent_s = dropoff.service_s + dropoff.cleaning_s
    ask.ride_limit_s, ask.direct_s = row.max_ride_s + row.ride_excess_s, row.direct_s
    if arrays.linked:
        if row.after >= 0 and state.route_of[row.after] >= 0 and state.route_of[row.after] != duty:
            drop = 2 * row.after + 1
            ready = state.begin_s[drop] + arrays.nodes[drop].service_s + row.stay_s
            ask.pickup_low_s = max(ask.pickup_low_s, ready)
        latest = latest_for_followers(arrays, state, request, duty)
        ask.dropoff_high_s = min(ask.dropoff_high_s, latest)
    working = arrays.weights[0].working
    ask.base_cost = state.chains[duty].least
    ask.base_cost += working * (ask.pickup_spent_s + ask.dropoff_spent_s)
    ask.limit = state.cost[duty] + limit
    ask.length = state.length[duty]
