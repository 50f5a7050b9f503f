"""Capacity in reserve: after the search each reserve goes where a block costs least, if it pays.

A reserve is dropped where keeping it costs more than the weight that it has; no request gives way
to one, as they are placed last.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from atmr_engine.arrays import RESERVED
from atmr_engine.breaks import cheapest_gap, shift_in
from atmr_engine.compilation import first_mismatch
from atmr_engine.placement import install, is_driven
from atmr_engine.pricing import timetable_cost, used_cost
from atmr_engine.schedule import schedule

if TYPE_CHECKING:
    from atmr_engine.arrays import Arrays
    from atmr_engine.problem import Problem
    from atmr_engine.state import State


def keep_reserves(problem: Problem, arrays: Arrays, state: State) -> tuple[str, ...]:
    """Place the problem's reserves, the narrowest windows first; the ids of those not kept.

    The state is at its end: no search may follow.
    """
    order = sorted(range(len(problem.reserves)), key=lambda index: _narrowness(problem, index))
    dropped = [index for index in order if not _keep(problem, arrays, state, index)]
    return tuple(problem.reserves[index].id for index in sorted(dropped))


def reserve_node(arrays: Arrays, index: int) -> int:
    """The node of a reserve, by its position in the problem."""
    return len(arrays.nodes) - int((arrays.nodes["kind"] == RESERVED).sum()) + index


def _narrowness(problem: Problem, index: int) -> tuple[float, int]:
    reserve = problem.reserves[index]
    return reserve.window.close_s - reserve.window.open_s - reserve.duration_s, index


def _keep(problem: Problem, arrays: Arrays, state: State, index: int) -> bool:
    """Place one reserve on the duty where it adds least, and less than leaving it out costs."""
    node, reserve = reserve_node(arrays, index), problem.reserves[index]
    able = [d for d, duty in enumerate(problem.duties) if first_mismatch(reserve, duty) is None]
    offers = [(*_offer(arrays, state, duty, node), duty) for duty in able]
    added, gap, duty = min(offers, default=(math.inf, -1, -1))
    if added >= problem.weights.unreserved:
        return False
    if gap < 0:
        _wait(arrays, state, duty, node)
    else:
        count = _load(state, duty)
        shift_in(state.sequence, count, gap, node)
        install(arrays, state, state.sequence, count + 1, duty)
    return True


def _offer(arrays: Arrays, state: State, duty: int, node: int) -> tuple[float, int]:
    """What a block on a duty adds, and in which gap; gap -1 on one that serves nobody."""
    count = _load(state, duty)
    if _is_idle(arrays, state, duty):
        return _idle_offer(arrays, state, duty, node), -1
    gap = int(cheapest_gap(arrays, state, count, duty, node))
    if gap < 0:
        return math.inf, 0
    _load(state, duty)
    shift_in(state.sequence, count, gap, node)
    schedule(arrays, state, state.sequence, count + 1, duty)
    return float(timetable_cost(arrays, state.trial, count + 1, duty) - state.cost[duty]), gap


def _is_idle(arrays: Arrays, state: State, duty: int) -> bool:
    return not is_driven(arrays, state.routes[duty], int(state.length[duty]), duty)


def _blocks(arrays: Arrays, state: State, duty: int) -> list[int]:
    """The reserves that a duty that serves nobody keeps already."""
    nodes = state.routes[duty, : state.length[duty]]
    return [int(node) for node in nodes if arrays.nodes["kind"][node] == RESERVED]


def _idle_offer(arrays: Arrays, state: State, duty: int, node: int) -> float:
    """The vehicle stands where it starts; a second block would have to be fitted in, and is not."""
    if _blocks(arrays, state, duty):
        return math.inf
    state.sequence[0] = node
    if not schedule(arrays, state, state.sequence, 1, duty):
        return math.inf
    cost = float(timetable_cost(arrays, state.trial, 1, duty))
    return cost - used_cost(arrays.weights[0], arrays.duties[duty]) - float(state.cost[duty])


def _wait(arrays: Arrays, state: State, duty: int, node: int) -> None:
    """Make the block the whole route of a duty that serves nobody."""
    state.sequence[0] = node
    schedule(arrays, state, state.sequence, 1, duty)
    state.routes[duty, 0], state.length[duty] = node, 1
    state.begin_s[node] = state.trial["time_s"][1]


def _load(state: State, duty: int) -> int:
    """Copy a duty's route to the scratch sequence; its length."""
    count = int(state.length[duty])
    state.sequence[:count] = state.routes[duty, :count]
    return count
