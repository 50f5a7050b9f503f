"""The best plan of a search so far: kept, put back, or replaced from outside.

Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from atmr_engine.arrays import Arrays
from atmr_engine.compiled import allocating, compiled, inlined
from atmr_engine.journal import commit, copy_route, save
from atmr_engine.plan_price import total_cost
from atmr_engine.state import BANKED, State, fresh_version, set_route_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Best(NamedTuple):
    """The best plan so far, and the cost of the present one."""

    routes: NDArray[np.int64]
    length: NDArray[np.int64]
    begin_s: NDArray[np.float64]
    stale: NDArray[np.uint8]
    route_costs: NDArray[np.float64]
    costs: NDArray[np.float64]  # (2,) best, present


def best_of(arrays: Arrays, state: State) -> Best:
    """The present plan as the best so far."""
    total = total_cost(arrays, state.route_of, state.cost)
    return Best(
        routes=state.routes.copy(),
        length=state.length.copy(),
        begin_s=state.begin_s.copy(),
        stale=state.stale.copy(),
        route_costs=state.cost.copy(),
        costs=np.array([total, total]),
    )


@compiled
def accept(arrays: Arrays, state: State, best: Best) -> None:
    """The present plan, which was changed from outside, is kept and the best so far."""
    commit(state)
    best.costs[1] = total_cost(arrays, state.route_of, state.cost)
    keep(state, best)


@inlined
def keep(state: State, best: Best) -> None:
    """The present plan is the best so far."""
    best.costs[0] = best.costs[1]
    for duty in range(len(state.length)):
        copy_route(state.routes, state.begin_s, best.routes, best.begin_s, duty, state.length)
        best.length[duty], best.stale[duty] = state.length[duty], state.stale[duty]
        best.route_costs[duty] = state.cost[duty]


@allocating
def restore(arrays: Arrays, state: State, best: Best) -> None:
    """Put the best plan into the state; its routes get the versions of new ones."""
    best.costs[1] = best.costs[0]
    commit(state)
    for duty in range(len(state.length)):
        save(state, duty)
    state.route_of[:] = -1
    for duty in range(len(state.length)):
        state.length[duty] = best.length[duty]
        copy_route(best.routes, best.begin_s, state.routes, state.begin_s, duty, best.length)
        set_route_of(arrays, state, duty, duty)
        state.version[duty] = fresh_version(state)
        state.stale[duty], state.cost[duty] = best.stale[duty], best.route_costs[duty]
    state.counters[BANKED] = 0
    for request in range(len(state.route_of)):
        if state.route_of[request] < 0:
            state.bank[state.counters[BANKED]] = request
            state.counters[BANKED] += 1
        state.request_version[request] = fresh_version(state)
    commit(state)
