"""A search notes the routes that it keeps, each once unless it becomes cheaper (route_log.py).

Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.arrays import Arrays
from atmr_engine.compiled import compiled, inner
from atmr_engine.improve.route_log import CHEAPER, ENTRIES, KNOWN, NODES, ROUTES, STOPS, RouteLog
from atmr_engine.placement import is_driven
from atmr_engine.state import JOURNALLED, State
from atmr_engine.wish_prices import standing_cost

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atmr_engine.improve.best import Best
    from atmr_engine.improve.route_log import Noted


@compiled
def note_changed(arrays: Arrays, state: State, log: RouteLog) -> None:
    """Note the routes that changed since the last commit."""
    for index in range(state.counters[JOURNALLED]):
        note(arrays, state, log, state.journal[index])


@inner
def note(arrays: Arrays, state: State, log: RouteLog, duty: int) -> None:
    """Note a duty's route, unless it serves nobody or as cheap a one is known."""
    count, route = state.length[duty], state.routes[duty]
    key, served = log.of_duty[duty], False
    for k in range(count):
        if is_pickup(arrays, route[k]):
            key += log.of_request[route[k] >> 1]
            served = True
    if not served:
        return
    place = np.int64(key & np.uint64(KNOWN - 1))
    cost = route_price(arrays, route, count, duty, state.cost[duty])
    entry, first = log.counters[ENTRIES], log.counters[NODES]
    if entry == ROUTES or first + count > STOPS:
        return
    if log.keys[place] == key and log.least[place] < cost + CHEAPER:
        return
    log.keys[place], log.least[place] = key, cost
    for k in range(count):
        log.stops[first + k] = route[k]
    log.duty[entry], log.cost[entry], log.end[entry] = duty, cost, first + count
    log.counters[ENTRIES], log.counters[NODES] = entry + 1, first + count


@inner
def is_pickup(arrays: Arrays, node: int) -> bool:
    """Whether somebody boards there."""
    return bool(node < 2 * arrays.requests.shape[0] and node & 1 == 0)


@compiled
def route_price(
    arrays: Arrays, route: NDArray[np.int64], count: int, duty: int, cost: float
) -> float:
    """What a route of that cost adds to a plan in which the duty stays at home (`RoutePool`)."""
    price = cost - standing_cost(arrays, duty)
    for k in range(count):
        if is_pickup(arrays, route[k]):
            price += arrays.serve_cost[route[k] >> 1, duty]
    return float(price)


def driven_routes(arrays: Arrays, best: Best) -> list[Noted]:
    """The routes of the best plan, as if noted; not of duties that stay at home."""
    routes = []
    for duty, count in enumerate(best.length):
        nodes = best.routes[duty, :count].copy()
        if is_driven(arrays, nodes, count, duty):
            price = route_price(arrays, nodes, count, duty, best.route_costs[duty])
            routes.append((duty, nodes, float(price)))
    return routes
