"""What a search notes of the routes that it keeps, for set partitioning (recombination.py).

A table tells routes that were noted before from new ones. Filled by noting.py, whose code is
compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from atmr_engine.random_numbers import random_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

KNOWN = 1 << 16
"""Places of the table; a route that meets another one in its place drives it out."""
ROUTES, STOPS = 1 << 12, 1 << 17
"""Routes and stops that are noted between two readings; what is beyond has to come again."""
CHEAPER = 1e-6
"""What a route must cost less to be noted again."""
Noted = tuple[int, "NDArray[np.int64]", float]
"""A route's duty, nodes and cost."""
ENTRIES, NODES = 0, 1
"""The places of `RouteLog.counters`."""


class RouteLog(NamedTuple):
    """Routes that were not read yet, and a table of those that were ever noted.

    A route's key is the sum of the numbers of its requests and of its duty's class (Zobrist 1970).
    """

    of_request: NDArray[np.uint64]  # (R,)
    of_duty: NDArray[np.uint64]  # (D,) alike for the duties of a class
    keys: NDArray[np.uint64]  # (KNOWN,)
    least: NDArray[np.float64]  # (KNOWN,) what the route of that key costs
    duty: NDArray[np.int64]  # (ROUTES,)
    cost: NDArray[np.float64]  # (ROUTES,)
    end: NDArray[np.int64]  # (ROUTES,) one past its last stop
    stops: NDArray[np.int64]  # (STOPS,) nodes
    counters: NDArray[np.int64]  # (2,)


def route_log(requests: int, classes: NDArray[np.int64]) -> RouteLog:
    """Nothing noted; `classes` (D,) tells which duties may exchange routes."""
    numbers = np.concatenate([random_state(k) for k in range(requests + len(classes) + 1)])
    return RouteLog(
        of_request=numbers[:requests],
        of_duty=numbers[requests + classes],
        keys=np.zeros(KNOWN, dtype=np.uint64),
        least=np.zeros(KNOWN),
        duty=np.zeros(ROUTES, dtype=np.int64),
        cost=np.zeros(ROUTES),
        end=np.zeros(ROUTES, dtype=np.int64),
        stops=np.zeros(STOPS, dtype=np.int64),
        counters=np.zeros(2, dtype=np.int64),
    )


def read(log: RouteLog) -> Iterator[Noted]:
    """The routes that were noted since the last reading."""
    start = 0
    for entry in range(int(log.counters[ENTRIES])):
        end = int(log.end[entry])
        yield int(log.duty[entry]), log.stops[start:end].copy(), float(log.cost[entry])
        start = end
    log.counters[:] = 0
