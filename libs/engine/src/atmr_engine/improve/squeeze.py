"""A search that leaves requests out: what counts is how often each was left out before.

Once a duty is closed, some of its requests find no place. A plan that leaves out what was seldom
left out replaces one that leaves out what is hard to place, until nobody is left out: the sums of
absences of Christiaens and Vanden Berghe (2020), and ejections after Nagata and Braysy (2009).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.arrays import NOBODY, Arrays
from atmr_engine.compiled import allocating, inlined, inner
from atmr_engine.construct.cheapest import insert_all
from atmr_engine.improve.best import Best, keep
from atmr_engine.improve.making_way import make_way
from atmr_engine.improve.recreate import BLINK, recreate, sort_by
from atmr_engine.improve.ruin_around import pick_around
from atmr_engine.improve.search import FEWEST, ruin
from atmr_engine.journal import commit, rollback
from atmr_engine.plan_price import total_cost
from atmr_engine.random_numbers import below, uniform
from atmr_engine.removal import remove_picked
from atmr_engine.state import BANKED, SAVED_BANK, State

if TYPE_CHECKING:
    from numpy.typing import NDArray

EJECT, AROUND = 0.1, 0.4
"""Up to here: a request that is left out takes the place of others; a ruin around it."""
MOST_AROUND = 16
"""Requests that a ruin around one removes at the most."""
HARDEST_FIRST = 0.5
"""How often those that were left out most go back first."""


@allocating
def squeeze(
    arrays: Arrays,
    state: State,
    best: Best,
    near: NDArray[np.int64],
    left_out: NDArray[np.int64],
    threshold: float,
    iterations: int,
    random: NDArray[np.uint64],
) -> int:
    """Ruin and recreate with requests left out, until the plan costs less than the best.

    `left_out` (R,) counts for each request how often a plan lacked it. With the same sum of them
    left out, a plan may cost up to `threshold` more. Returns the iterations done: fewer than given
    where the plan is the new best one.
    """
    commit(state)
    best.costs[1] = total_cost(arrays, state.route_of, state.cost)
    for done in range(iterations):
        draw, hard = uniform(random), NOBODY
        if state.counters[BANKED] > 0:
            hard = state.bank[below(random, state.counters[BANKED])]
        if hard >= 0 and draw < EJECT:
            left_out[hard] += 1
            accepted = make_way(arrays, state, hard, left_out, random)
        else:
            if hard >= 0 and draw < AROUND:
                ruin_around(arrays, state, near, hard, random)
            else:
                ruin(arrays, state, near, random)
            if uniform(random) < HARDEST_FIRST:
                insert_hardest_first(arrays, state, left_out, random)
            recreate(arrays, state, random)
            accepted = is_easier(arrays, state, best, left_out, threshold * uniform(random))
        if accepted:
            commit(state)
            best.costs[1] = total_cost(arrays, state.route_of, state.cost)
            if best.costs[1] < best.costs[0]:
                keep(state, best)
                return done + 1
        else:
            rollback(arrays, state)
    return iterations


@inlined
def ruin_around(
    arrays: Arrays,
    state: State,
    near: NDArray[np.int64],
    request: int,
    random: NDArray[np.uint64],
) -> None:
    """Remove some of a request's neighbours."""
    count = FEWEST + below(random, MOST_AROUND - FEWEST + 1)
    pick_around(arrays, state, near, request, count, random)
    remove_picked(arrays, state)


@inlined
def insert_hardest_first(
    arrays: Arrays, state: State, left_out: NDArray[np.int64], random: NDArray[np.uint64]
) -> None:
    """Insert the banked requests that fit, those first that were left out most often."""
    order = state.bank[: state.counters[BANKED]].copy()
    keys = -left_out[order].astype(np.float64)
    sort_by(keys, order)
    insert_all(arrays, state, order, BLINK, random)


@inner
def is_easier(
    arrays: Arrays, state: State, best: Best, left_out: NDArray[np.int64], slack: float
) -> bool:
    """Whether what is left out is easier to place than before; counts what is left out now."""
    before = absences(state.saved_bank, state.counters[SAVED_BANK], left_out)
    after = absences(state.bank, state.counters[BANKED], left_out)
    for k in range(state.counters[BANKED]):
        left_out[state.bank[k]] += 1
    if after != before:
        return after < before
    return bool(total_cost(arrays, state.route_of, state.cost) < best.costs[1] + slack)


@inner
def absences(bank: NDArray[np.int64], count: int, left_out: NDArray[np.int64]) -> int:
    """How often all those in a bank were left out, together."""
    total = 0
    for k in range(count):
        total += left_out[bank[k]]
    return total
