"""The nodes of a problem: where each is, when, for how long, and which node a committed stop is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.arrays import NODE, RESERVED, REST, VISIT, table
from atmr_engine.pauses import committed_pauses, pauses_of
from atmr_engine.rules import Rule
from atmr_engine.wishes import state_wishes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atmr_engine.excess import Excess
    from atmr_engine.problem import Break, Committed, Problem, Reserve, Visit

OPEN = (0.0, 0.0, 0.0, 0.0)
"""The bounds of a node's times before `tighten` computes them."""
UNTOLD = (0.0,) * 8
"""What was told of a node before `state_wishes` fills it in."""


def break_nodes(problem: Problem) -> list[int]:
    """The node of each duty's first pause, and one past the last duty's."""
    firsts = [2 * len(problem.requests)]
    for duty in problem.duties:
        firsts.append(firsts[-1] + len(pauses_of(duty)))
    return firsts


def committed_nodes(problem: Problem, duty_index: int) -> list[int]:
    """The nodes of a duty's fixed beginning, in order."""
    duty, first_break = problem.duties[duty_index], break_nodes(problem)[duty_index]
    pauses = iter(committed_pauses(duty))
    nodes = []
    for stop in duty.committed:
        if stop.request is None:
            nodes.append(first_break + next(pauses))
        else:
            nodes.append(2 * problem.request_index[stop.request] + (stop.kind == "dropoff"))
    return nodes


def compile_nodes(problem: Problem, excess: Excess) -> NDArray[Any]:
    """The nodes' places, windows and services (N,) NODE."""
    rows = []
    for request in problem.requests:
        late = excess.of(Rule.WINDOW, request.id)
        rows.append(visit_row(request.pickup, late, 0.0))
        rows.append(visit_row(request.dropoff, late, request.cleaning_s))
    for duty in problem.duties:
        late = excess.of(Rule.BREAK, duty.id)
        rows.extend(break_row(pause, late) for pause in pauses_of(duty))
    rows.extend(map(reserve_row, problem.reserves))
    nodes = table(len(rows), NODE)
    nodes[:] = np.array(rows, dtype=NODE)
    state_wishes(problem, nodes, excess.of)
    for index, duty in enumerate(problem.duties):
        for node, stop in zip(committed_nodes(problem, index), duty.committed, strict=True):
            fix_begin(nodes, node, stop)
    return nodes


def visit_row(visit: Visit, late: float, cleaning_s: float) -> tuple[float, ...]:
    window = visit.window
    times = (window.open_s, window.close_s, late, *OPEN, visit.service_s, cleaning_s)
    return (visit.place, VISIT, *times, *UNTOLD)


def break_row(pause: Break, late: float) -> tuple[float, ...]:
    times = (pause.window.open_s, pause.window.close_s, late, *OPEN, pause.duration_s, 0.0)
    return (-1, REST, *times, *UNTOLD)


def reserve_row(reserve: Reserve) -> tuple[float, ...]:
    """A block that lies whole within its window."""
    window = reserve.window
    closes_s = window.close_s - reserve.duration_s
    times = (window.open_s, closes_s, 0.0, *OPEN, reserve.duration_s, 0.0)
    return (-1, RESERVED, *times, *UNTOLD)


def fix_begin(nodes: NDArray[Any], node: int, stop: Committed) -> None:
    """Narrow a committed stop's window to the moment at which it began, lateness included."""
    if stop.begin_s is None:
        return
    row = nodes[node]
    close = row["close_s"] + row["excess_s"]
    row["open_s"] = max(row["open_s"], stop.begin_s)
    row["excess_s"] = max(0.0, min(stop.begin_s, close) - row["close_s"])
    row["close_s"] = min(row["close_s"], stop.begin_s)
