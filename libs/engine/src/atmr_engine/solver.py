"""From a problem to a plan: construct, improve within the budget, prove."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from atmr_engine.beginning import begin, resume
from atmr_engine.checker import check
from atmr_engine.compilation import compile_problem
from atmr_engine.construct.cheapest import insert_all
from atmr_engine.construct.order import by_earliest_need
from atmr_engine.improve.best import restore
from atmr_engine.improve.cooling import Course
from atmr_engine.improve.fleet import empty_duties, mean_cost, pays_to_empty
from atmr_engine.improve.island import Ground
from atmr_engine.improve.islands import Islands
from atmr_engine.improve.neighbours import nearest_requests
from atmr_engine.objective import evaluate
from atmr_engine.placement import retime
from atmr_engine.plan import Plan
from atmr_engine.plan_price import total_cost
from atmr_engine.random_numbers import GAMMA, random_state
from atmr_engine.removal import pick, remove_picked
from atmr_engine.reserving import keep_reserves
from atmr_engine.timetable import marked, routes_of
from atmr_engine.unserved import explain_unserved

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from atmr_engine.arrays import Arrays
    from atmr_engine.budget import Budget
    from atmr_engine.problem import Problem
    from atmr_engine.rules import Violation
    from atmr_engine.state import State

WIDEST = 1.0
"""The first threshold, in mean costs of a served request without what using a duty costs."""
OF_FEWEST = 4.0
"""The same where fewest duties come first: with little room, good plans lie further apart."""


class PlanRefusedError(RuntimeError):
    """The independent checker refused a plan of the solver: a defect, with the violations."""

    def __init__(self, violations: list[Violation]) -> None:
        first = "; ".join(violation.message for violation in violations[:3])
        super().__init__(
            f"the solver's own plan breaks {len(violations)} rules ({first}): this is a defect of "
            "the engine, please report it with the problem"
        )
        self.violations = violations


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a search is: the best cost so far, with `unserved` requests at their cost."""

    iterations: int
    seconds: float
    cost: float


def solve(
    problem: Problem,
    budget: Budget,
    seed: int = 0,
    warm_start: Plan | None = None,
    progress: Callable[[Progress], None] | None = None,
    threads: int = 1,
) -> Plan:
    """Plan a day: construction first, then improvement until the budget is spent.

    Deterministic for a problem, a seed, a warm start, a number of `threads` and a budget in
    iterations alone; no budget is too small for the construction. The independent checker passes
    every plan that is returned, and none costs more than a warm start that still keeps every rule.
    Threads search side by side: all have the seconds of the budget, and they share its iterations.

    Raises:
        ValueError: for fewer than one thread.
        CommitmentError: where a duty's commitments cannot be kept.
        PlanRefusedError: where the checker refuses the plan, which is a defect.

    """
    if threads < 1:
        raise ValueError(f"threads must be at least 1, not {threads}")
    courses = Course(budget, time.perf_counter, time.perf_counter()).split(threads)
    arrays = compile_problem(problem)
    state = begin(problem, arrays)
    if warm_start is not None:
        resume(problem, arrays, state, warm_start)
    randoms = [random_state(seed + number * GAMMA) for number in range(threads)]
    insert_all(arrays, state, by_earliest_need(arrays, state), 0.0, randoms[0])
    improved = improve(problem, arrays, state, courses, randoms, progress)
    settle_times(arrays, state)
    unserved = explain_unserved(problem, arrays, state)
    unreserved = keep_reserves(problem, arrays, state)
    plan = Plan(
        routes=routes_of(problem, arrays, state),
        unserved=unserved,
        unreserved=unreserved,
        iterations=sum(course.iterations for course in courses),
        seconds=courses[0].seconds,
        source="search" if improved else "construction" if warm_start is None else "warm_start",
    )
    if violations := check(problem, plan):
        raise PlanRefusedError(violations)
    return plan if warm_start is None else better_of(problem, plan, warm_start)


def settle_times(arrays: Arrays, state: State) -> None:
    """Make the timetable of every route; who is on one without any (rounding) is left unserved."""
    while (duty := int(retime(arrays, state))) >= 0:
        for node in state.routes[duty, : state.length[duty]]:
            if node < 2 * len(arrays.requests):
                pick(arrays, state, int(node) >> 1)
        remove_picked(arrays, state)
        state.stale[duty] = 0  # whatever else is wrong with it, the checker says


def better_of(problem: Problem, plan: Plan, warm_start: Plan) -> Plan:
    """`plan`, unless it costs more than the start and the start keeps every rule of today."""
    known = problem.duty_index.keys() >= {route.duty for route in warm_start.routes}
    if not known or check(problem, warm_start):
        return plan
    if evaluate(problem, warm_start).total >= evaluate(problem, plan).total:
        return plan
    return replace(
        warm_start,
        routes=tuple(marked(problem, route) for route in warm_start.routes),
        iterations=plan.iterations,
        seconds=plan.seconds,
        source="warm_start",
    )


def improve(
    problem: Problem,
    arrays: Arrays,
    state: State,
    courses: list[Course],
    randoms: list[NDArray[np.uint64]],
    progress: Callable[[Progress], None] | None,
) -> bool:
    """Search until the budget is spent and leave the best plan in `state`; whether it is better."""
    if not len(arrays.requests) or not len(arrays.duties) or courses[0].spent >= 1:
        return False
    first = float(total_cost(arrays, state.route_of, state.cost))

    def report(cost: float) -> None:
        if progress is not None:
            iterations = sum(course.iterations for course in courses)
            progress(Progress(iterations=iterations, seconds=courses[0].seconds, cost=cost))

    near, wide = nearest_requests(arrays), WIDEST
    if pays_to_empty(arrays, state):
        empty_duties(arrays, state, near, courses[0], randoms[0], report)
        wide = OF_FEWEST
    ground = Ground(arrays=arrays, near=near, widest=wide * mean_cost(arrays, state))
    islands = Islands(problem, ground, state, courses, randoms)
    best = islands.search(lambda: report(float(islands.leader.best.costs[0])))
    restore(arrays, state, best)
    return bool(best.costs[0] < first)
