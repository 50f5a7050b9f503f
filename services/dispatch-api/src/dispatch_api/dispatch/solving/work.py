"""What a workbench does, as plain functions: the same in a child process and in a thread."""

from __future__ import annotations

from atmr_engine.budget import Budget
from atmr_engine.checker import check
from atmr_engine.kpi import measure
from atmr_engine.objective import evaluate
from atmr_engine.plan import Plan
from atmr_engine.problem import Problem
from atmr_engine.solver import solve
from dispatch_api.dispatch.solving.port import Appraisal, Found


def construct(problem: Problem, seed: int) -> Found:
    plan = solve(problem, Budget(iterations=0), seed)
    return Found(plan, evaluate(problem, plan).total)


def improve(problem: Problem, budget: Budget, seed: int, start: Plan) -> Found:
    plan = solve(problem, budget, seed, start)
    return Found(plan, evaluate(problem, plan).total)


def appraise(problem: Problem, plan: Plan) -> Appraisal:
    """The checker knows nothing of the search: it judges the plan's own timetable."""
    return Appraisal(tuple(check(problem, plan)), evaluate(problem, plan), measure(problem, plan))
