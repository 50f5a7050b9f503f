"""Large neighbourhood search: ruin a part of the plan, recreate it, keep it or go back.

A few requests leave by one of four operators and are inserted again; a threshold that sinks to
zero decides what is kept (Dueck and Scheuer 1990: no logarithm, so every machine decides alike).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from atmr_engine.arrays import Arrays
from atmr_engine.breaks import move_breaks
from atmr_engine.compiled import allocating, inlined
from atmr_engine.improve.recreate import recreate
from atmr_engine.improve.ruin_random import pick_random
from atmr_engine.improve.ruin_related import pick_related
from atmr_engine.improve.ruin_route import pick_route
from atmr_engine.improve.ruin_strings import pick_strings
from atmr_engine.journal import commit, copy_route, rollback, save
from atmr_engine.pricing import total_cost
from atmr_engine.random_numbers import below, uniform
from atmr_engine.removal import remove_picked
from atmr_engine.state import BANKED, JOURNALLED, State, fresh_version, set_route_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRINGS, RELATED, RANDOM = 0.6, 0.9, 0.98
"""Up to here: strings, related requests, random ones; the rest are whole routes."""
FEWEST, MOST = 2, 16
"""Requests that one ruin removes (whole routes apart)."""
MOVE_BREAKS = 0.3
"""How often a ruined route's breaks look for better places."""


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


@allocating
def search(
    arrays: Arrays,
    state: State,
    best: Best,
    near: NDArray[np.int64],
    threshold: float,
    iterations: int,
    random: NDArray[np.uint64],
) -> None:
    """Some iterations from the present plan, accepting what is worse by less than `threshold`."""
    commit(state)
    for _ in range(iterations):
        ruin(arrays, state, near, random)
        recreate(arrays, state, random)
        total = total_cost(arrays, state.route_of, state.cost)
        if total < best.costs[1] + threshold * uniform(random):
            commit(state)
            best.costs[1] = total
            if total < best.costs[0]:
                keep(state, best)
        else:
            rollback(arrays, state)


@inlined
def keep(state: State, best: Best) -> None:
    """The present plan is the best so far."""
    best.costs[0] = best.costs[1]
    for duty in range(len(state.length)):
        copy_route(state.routes, state.begin_s, best.routes, best.begin_s, duty, state.length)
        best.length[duty], best.stale[duty] = state.length[duty], state.stale[duty]
        best.route_costs[duty] = state.cost[duty]


@inlined
def ruin(arrays: Arrays, state: State, near: NDArray[np.int64], random: NDArray[np.uint64]) -> None:
    """Remove some requests by an operator drawn at random, and let breaks move where they were."""
    count = FEWEST + below(random, MOST - FEWEST + 1)
    draw = uniform(random)
    if draw < STRINGS:
        pick_strings(arrays, state, near, count, random)
    elif draw < RELATED:
        pick_related(arrays, state, near, count, random)
    elif draw < RANDOM:
        pick_random(arrays, state, count, random)
    else:
        pick_route(arrays, state, random)
    remove_picked(arrays, state)
    if uniform(random) < MOVE_BREAKS:
        for index in range(state.counters[JOURNALLED]):
            move_breaks(arrays, state, state.journal[index])


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
