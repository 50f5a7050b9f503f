"""What belongs to a whole plan: who serves whom, and the sum of all routes.

Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.arrays import PREFER, Arrays
from atmr_engine.compiled import compiled, inner

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@compiled
def change_cost(arrays: Arrays, route_of: NDArray[np.int64], request: int, duty: int) -> float:
    """What `duty` costs `request` by itself, and the linked legs that prefer one driver."""
    changes = 0
    driver = arrays.duties[duty].driver
    row = arrays.requests[request]
    if row.after >= 0 and row.same_driver == PREFER:
        changes += differs(arrays, route_of, row.after, driver)
    follower = row.first_follower
    while follower >= 0:
        if arrays.requests[follower].same_driver == PREFER:
            changes += differs(arrays, route_of, follower, driver)
        follower = arrays.requests[follower].next_follower
    by_itself = arrays.serve_cost[request, duty]
    return float(by_itself + arrays.weights[0].driver_changes * changes)


@inner
def differs(arrays: Arrays, route_of: NDArray[np.int64], request: int, driver: int) -> int:
    """1 if the request is served by another driver, else 0."""
    duty = route_of[request]
    return int(duty >= 0 and arrays.duties[duty].driver != driver)


@compiled
def total_cost(
    arrays: Arrays, route_of: NDArray[np.int64], route_costs: NDArray[np.float64]
) -> float:
    """The whole objective from the costs of all routes and who serves whom."""
    total = 0.0
    for duty in range(len(route_costs)):
        total += route_costs[duty]
    changes = 0
    for request in range(len(route_of)):
        row = arrays.requests[request]
        duty = route_of[request]
        if duty < 0:
            total += row.unserved_cost
            continue
        total += arrays.serve_cost[request, duty]
        if row.after >= 0 and row.same_driver == PREFER:
            changes += differs(arrays, route_of, row.after, arrays.duties[duty].driver)
    return float(total + arrays.weights[0].driver_changes * changes)
