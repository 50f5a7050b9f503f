"""The routes that a search is at, with what it takes to change one route and to take it back.

A route's version is a number that no other route and no earlier content ever had, so that what was
computed for it can be kept. Changes since `commit` are journalled per duty, and `rollback` undoes
them; nothing copies the whole solution. Read by what `atmr_engine.compiled` compiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from atmr_engine.arrays import RESERVED, Arrays, table
from atmr_engine.compiled import compiled, inlined, inner
from atmr_engine.draft import DRAFT
from atmr_engine.layout import STOP
from atmr_engine.profile import ASK, CANDIDATE, CHAIN, PROFILE
from atmr_engine.wish_prices import standing_cost

if TYPE_CHECKING:
    from numpy.typing import NDArray

OFFER = np.dtype(
    [
        ("duty_version", np.int64),
        ("request_version", np.int64),
        ("limit", np.float64),  # what was looked for: routes that cost less than this more
        ("added", np.float64),
        ("pickup_gap", np.int32),
        ("dropoff_gap", np.int32),
    ]
)
VERSION, BANKED, JOURNALLED, SAVED_BANK, PICKED = 0, 1, 2, 3, 4
"""The places of `State.counters`."""
COUNTERS = 5
SLOTS = 2
"""Offers kept of each request and duty: for the route as it was last committed, and as it is."""


class State(NamedTuple):
    """Routes, their times and costs, the bank of unserved requests, scratch room.

    `cap` is the longest route there can be: all requests' stops, one duty's breaks, all reserves.
    """

    routes: NDArray[np.int64]  # (D, cap)
    length: NDArray[np.int64]  # (D,)
    cost: NDArray[np.float64]  # (D,)
    version: NDArray[np.int64]  # (D,)
    request_version: NDArray[np.int64]  # (R,)
    begin_s: NDArray[np.float64]  # (2 N,) of routes that are not stale; then rests behind stops
    stale: NDArray[np.uint8]  # (D,) 1 where `begin_s` was not kept up (see `retime`)
    route_of: NDArray[np.int64]  # (R,) duty, -1 where unserved
    bank: NDArray[np.int64]  # (R,) the unserved, as many as counters[BANKED]
    counters: NDArray[np.int64]
    offers: NDArray[Any]  # (R, D, SLOTS) OFFER
    stuck: NDArray[np.int64]  # (R, D, 2) versions of route and request whose breaks did not help
    touched: NDArray[np.uint8]  # (D,)
    journal: NDArray[np.int64]  # (D,)
    saved_routes: NDArray[np.int64]
    saved_length: NDArray[np.int64]
    saved_cost: NDArray[np.float64]
    saved_version: NDArray[np.int64]
    saved_begin_s: NDArray[np.float64]
    saved_stale: NDArray[np.uint8]
    saved_bank: NDArray[np.int64]
    picked: NDArray[np.int64]  # (R,) requests chosen for removal, counters[PICKED] of them
    is_picked: NDArray[np.uint8]  # (R,)
    trial: NDArray[Any]  # (cap + 2,) STOP: the timetable that was computed last
    profiles: NDArray[Any]  # (D, cap + 2) PROFILE
    chains: NDArray[Any]  # (D,) CHAIN
    load: NDArray[Any]  # (1,) PROFILE: who is on board while a sequence is walked
    saved_profiles: NDArray[Any]  # (D, cap + 2) PROFILE
    spare_profile: NDArray[Any]  # (cap + 2,) PROFILE
    saved_chains: NDArray[Any]  # (D,) CHAIN
    shifted: NDArray[np.float64]  # (cap + 2,) times of stops while an insertion is judged
    draft: NDArray[Any]  # (cap + 4,) DRAFT: a route with a request inserted
    ask: NDArray[Any]  # (1,) ASK
    candidates: NDArray[Any]  # (cap + 1,) CANDIDATE: drop-offs behind one pickup
    sequence: NDArray[np.int64]  # (cap,)
    position: NDArray[np.int64]  # (N,)


def empty_state(arrays: Arrays) -> State:
    """No request served; every route holds its duty's breaks."""
    requests, duties, nodes = len(arrays.requests), len(arrays.duties), len(arrays.nodes)
    reserved = int((arrays.nodes["kind"] == RESERVED).sum())
    cap = 2 * requests + int(max(arrays.duties["breaks"], default=0)) + reserved
    counters = np.zeros(COUNTERS, dtype=np.int64)
    counters[VERSION], counters[BANKED] = duties + requests + 1, requests
    state = State(
        routes=np.zeros((duties, cap), dtype=np.int64),
        length=arrays.duties["breaks"].astype(np.int64),
        cost=np.array([standing_cost(arrays, duty) for duty in range(duties)]),
        version=np.arange(1, duties + 1, dtype=np.int64),
        request_version=np.arange(duties + 1, duties + requests + 1, dtype=np.int64),
        begin_s=np.zeros(2 * nodes),
        stale=np.zeros(duties, dtype=np.uint8),
        route_of=np.full(requests, -1, dtype=np.int64),
        bank=np.arange(requests, dtype=np.int64),
        counters=counters,
        offers=table((requests, duties, SLOTS), OFFER),
        stuck=np.zeros((requests, duties, 2), dtype=np.int64),
        touched=np.zeros(duties, dtype=np.uint8),
        journal=np.zeros(duties, dtype=np.int64),
        saved_routes=np.zeros((duties, cap), dtype=np.int64),
        saved_length=np.zeros(duties, dtype=np.int64),
        saved_cost=np.zeros(duties),
        saved_version=np.zeros(duties, dtype=np.int64),
        saved_begin_s=np.zeros(2 * nodes),
        saved_stale=np.zeros(duties, dtype=np.uint8),
        saved_bank=np.zeros(requests, dtype=np.int64),
        picked=np.zeros(requests, dtype=np.int64),
        is_picked=np.zeros(requests, dtype=np.uint8),
        trial=table(cap + 2, STOP),
        profiles=table((duties, cap + 2), PROFILE),
        chains=table(duties, CHAIN),
        load=table(1, PROFILE),
        saved_profiles=table((duties, cap + 2), PROFILE),
        spare_profile=table(cap + 2, PROFILE),
        saved_chains=table(duties, CHAIN),
        shifted=np.zeros(cap + 2),
        draft=table(cap + 4, DRAFT),
        ask=table(1, ASK),
        candidates=table(cap + 1, CANDIDATE),
        sequence=np.zeros(cap, dtype=np.int64),
        position=np.zeros(nodes, dtype=np.int64),
    )
    for duty, row in enumerate(arrays.duties):
        state.routes[duty, : row["breaks"]] = row["first_break"] + np.arange(row["breaks"])
    return state


@compiled
def fresh_version(state: State) -> int:
    """A version that nothing ever had."""
    state.counters[VERSION] += 1
    return int(state.counters[VERSION])


@inner
def notify_route(arrays: Arrays, state: State, duty: int) -> None:
    """Tell all legs linked to the route's requests that their windows may have moved."""
    if not arrays.linked:
        return
    for k in range(state.length[duty]):
        node = state.routes[duty, k]
        if node < 2 * arrays.requests.shape[0]:
            notify(arrays, state, node >> 1)


@inner
def notify(arrays: Arrays, state: State, request: int) -> None:
    """Outdate what was computed for the legs linked to `request` and for their routes."""
    after = arrays.requests[request].after
    if after >= 0:
        outdate(state, after)
    follower = arrays.requests[request].first_follower
    while follower >= 0:
        outdate(state, follower)
        follower = arrays.requests[follower].next_follower


@inlined
def outdate(state: State, request: int) -> None:
    """Give a request, and the route that it is on, a new version."""
    state.request_version[request] = fresh_version(state)
    if state.route_of[request] >= 0:
        state.version[state.route_of[request]] = fresh_version(state)


@inner
def unbank(state: State, request: int) -> None:
    """Take a request out of the bank, keeping the order of the others."""
    count = 0
    for k in range(state.counters[BANKED]):
        if state.bank[k] != request:
            state.bank[count] = state.bank[k]
            count += 1
    state.counters[BANKED] = count


@inner
def set_route_of(arrays: Arrays, state: State, duty: int, value: int) -> None:
    """Set `route_of` of all requests that stand in a duty's route."""
    for k in range(state.length[duty]):
        node = state.routes[duty, k]
        if node < 2 * arrays.requests.shape[0]:
            state.route_of[node >> 1] = value
