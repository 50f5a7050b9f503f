"""Large neighbourhood search: ruin a part of the plan, recreate it, keep it or go back.

A few requests leave by one of four operators and are inserted again; a threshold that sinks to
zero decides what is kept (Dueck and Scheuer 1990: no logarithm, so every machine decides alike).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.arrays import Arrays
from atmr_engine.breaks import move_breaks
from atmr_engine.compiled import allocating, inlined
from atmr_engine.improve.best import Best, keep
from atmr_engine.improve.noting import note_changed
from atmr_engine.improve.recreate import recreate
from atmr_engine.improve.route_log import RouteLog
from atmr_engine.improve.ruin_random import pick_random
from atmr_engine.improve.ruin_related import pick_related
from atmr_engine.improve.ruin_route import pick_route
from atmr_engine.improve.ruin_strings import pick_strings
from atmr_engine.journal import commit, rollback
from atmr_engine.plan_price import total_cost
from atmr_engine.random_numbers import below, uniform
from atmr_engine.removal import remove_picked
from atmr_engine.state import JOURNALLED, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STRINGS, RELATED, RANDOM = 0.6, 0.9, 0.98
"""Up to here: strings, related requests, random ones; the rest are whole routes."""
FEWEST, MOST = 2, 16
"""Requests that one ruin removes (whole routes apart)."""
MOVE_BREAKS = 0.3
"""How often a ruined route's breaks look for better places."""


@allocating
def search(
    arrays: Arrays,
    state: State,
    best: Best,
    log: RouteLog,
    near: NDArray[np.int64],
    threshold: float,
    iterations: int,
    random: NDArray[np.uint64],
) -> None:
    """Some iterations from the present plan, accepting what is worse by less than `threshold`.

    The routes of what is accepted are noted in `log`.
    """
    commit(state)
    for _ in range(iterations):
        ruin(arrays, state, near, random)
        recreate(arrays, state, random)
        total = total_cost(arrays, state.route_of, state.cost)
        if total < best.costs[1] + threshold * uniform(random):
            note_changed(arrays, state, log)
            commit(state)
            best.costs[1] = total
            if total < best.costs[0]:
                keep(state, best)
        else:
            rollback(arrays, state)


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
