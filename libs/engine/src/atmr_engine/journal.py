"""What changed since the last `commit`, so that it can be taken back; nothing copies all routes.

Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atmr_engine.arrays import Arrays
from atmr_engine.compiled import compiled, inner
from atmr_engine.splice import copy_row
from atmr_engine.state import BANKED, JOURNALLED, SAVED_BANK, State, notify_route, set_route_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@inner
def save(state: State, duty: int) -> None:
    """Journal a duty's route before its first change since `commit`."""
    if state.touched[duty]:
        return
    state.touched[duty] = 1
    state.journal[state.counters[JOURNALLED]] = duty
    state.counters[JOURNALLED] += 1
    copy_route(
        state.routes, state.begin_s, state.saved_routes, state.saved_begin_s, duty, state.length
    )
    state.saved_length[duty] = state.length[duty]
    state.saved_cost[duty] = state.cost[duty]
    state.saved_version[duty] = state.version[duty]
    state.saved_stale[duty] = state.stale[duty]
    copy_profile(state.chains, state.profiles, state.saved_chains, state.saved_profiles, duty)


@inner
def copy_profile(
    chains: NDArray[Any],
    profiles: NDArray[Any],
    to_chains: NDArray[Any],
    to_profiles: NDArray[Any],
    duty: int,
) -> None:
    """Copy what is known of a duty's route."""
    chain, to = chains[duty], to_chains[duty]
    to.version, to.plain, to.least = chain.version, chain.plain, chain.least
    to.longest_s, to.stops = chain.longest_s, chain.stops
    for k in range(chain.stops):
        copy_row(to_profiles[duty, k], profiles[duty, k])


@inner
def copy_route(
    routes: NDArray[np.int64],
    begin_s: NDArray[np.float64],
    to_routes: NDArray[np.int64],
    to_begin_s: NDArray[np.float64],
    duty: int,
    length: NDArray[np.int64],
) -> None:
    """Copy one route's nodes and their times."""
    half = len(begin_s) // 2
    for k in range(length[duty]):
        node = routes[duty, k]
        to_routes[duty, k] = node
        to_begin_s[node] = begin_s[node]
        to_begin_s[half + node] = begin_s[half + node]


@compiled
def commit(state: State) -> None:
    """Keep all changes; what follows can be rolled back to here."""
    for k in range(state.counters[JOURNALLED]):
        state.touched[state.journal[k]] = 0
    state.counters[JOURNALLED] = 0
    state.counters[SAVED_BANK] = state.counters[BANKED]
    for k in range(state.counters[BANKED]):
        state.saved_bank[k] = state.bank[k]


@compiled
def rollback(arrays: Arrays, state: State) -> None:
    """Undo all changes since `commit`; routes with linked legs get new versions."""
    for index in range(state.counters[JOURNALLED]):
        notify_route(arrays, state, state.journal[index])
        set_route_of(arrays, state, state.journal[index], -1)
    for index in range(state.counters[JOURNALLED]):
        duty = state.journal[index]
        state.length[duty] = state.saved_length[duty]
        state.cost[duty] = state.saved_cost[duty]
        state.version[duty] = state.saved_version[duty]
        state.stale[duty] = state.saved_stale[duty]
        copy_profile(state.saved_chains, state.saved_profiles, state.chains, state.profiles, duty)
        copy_route(
            state.saved_routes, state.saved_begin_s, state.routes, state.begin_s, duty, state.length
        )
        set_route_of(arrays, state, duty, duty)
    for index in range(state.counters[JOURNALLED]):
        notify_route(arrays, state, state.journal[index])
    state.counters[BANKED] = state.counters[SAVED_BANK]
    for k in range(state.counters[SAVED_BANK]):
        state.bank[k] = state.saved_bank[k]
    commit(state)
