"""What people were told or would rather have, in the arrays that compiled code reads.

Told times, the buffer before a window's end, familiar drivers, the published duties and fair shares
cost something where they are missed; a firm promise binds, too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from atmr_engine.problem import Duty, Problem, Request

UNBOUND = {"low": -np.inf, "high": np.inf}


def state_wishes(
    problem: Problem, nodes: NDArray[Any], excess_of: Callable[[Rule, str], float]
) -> None:
    """Fill the fields of nodes (N,) NODE that say when stops would rather begin, or must.

    `excess_of` says by how many seconds a rule is waived for somebody.
    """
    for end, bound in UNBOUND.items():
        for kind in ("told", "binding", "waived_binding"):
            nodes[f"{kind}_{end}_s"] = bound
    nodes["ease_s"] = nodes["prefer_s"] = np.inf
    state_promises(problem, nodes, excess_of)
    if problem.buffer_s and problem.weights.tightness_min:
        state_buffers(problem, nodes)


def state_promises(
    problem: Problem, nodes: NDArray[Any], excess_of: Callable[[Rule, str], float]
) -> None:
    """When pickups were told to begin, and between which moments they must."""
    for index, request in enumerate(problem.requests):
        promise = request.promise
        if promise is None:
            continue
        row = nodes[2 * index]
        if problem.weights.promise_min:
            row["told_low_s"] = promise.begin_s - promise.slack_s
            row["told_high_s"] = row["prefer_s"] = promise.begin_s + promise.slack_s
        if promise.hard:
            waived_s = excess_of(Rule.PROMISE, request.id)
            for kind, slack_s in (("", promise.slack_s), ("waived_", promise.slack_s + waived_s)):
                row[f"{kind}binding_low_s"] = promise.begin_s - slack_s
                row[f"{kind}binding_high_s"] = promise.begin_s + slack_s


def state_buffers(problem: Problem, nodes: NDArray[Any]) -> None:
    """From when on a stop is nearer to its window's end than the problem's buffer."""
    for index, request in enumerate(problem.requests):
        for node, visit in ((2 * index, request.pickup), (2 * index + 1, request.dropoff)):
            if visit.window.close_s < math.inf:
                row = nodes[node]
                row["ease_s"] = visit.window.close_s - problem.buffer_s
                row["prefer_s"] = min(row["prefer_s"], row["ease_s"])


def serve_costs(problem: Problem) -> NDArray[np.float64]:
    """What it costs that each duty serves each request (R, D): published duty, familiar drivers."""
    costs = np.zeros((len(problem.requests), len(problem.duties)))
    for index, request in enumerate(problem.requests):
        if request.published_duty is not None or request.familiar:
            costs[index] = [serve_cost(problem, request, duty) for duty in problem.duties]
    return costs


def serve_cost(problem: Problem, request: Request, duty: Duty) -> float:
    """The same for one request and one duty."""
    weights, cost = problem.weights, 0.0
    if request.published_duty not in {None, duty.id}:
        cost += weights.reassigned
    if request.familiar and duty.driver not in request.familiar:
        cost += weights.unfamiliar_drivers
    return cost
