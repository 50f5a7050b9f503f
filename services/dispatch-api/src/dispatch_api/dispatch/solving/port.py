"""The solver as a port: a workbench holds one problem, on which plans are found and appraised.

SolverError
├── SolverDiedError         its process ended or did not answer: worth another try
├── SolverUnavailableError  no process could be started
└── SolverFailedError       it raised an error of its own
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from atmr_engine.budget import Budget
from atmr_engine.kpi import Kpis
from atmr_engine.objective import Cost
from atmr_engine.plan import Plan
from atmr_engine.problem import Problem
from atmr_engine.rules import Violation


class SolverError(Exception):
    """`code` names it in a run's error and in events."""

    code = "solver_error"


class SolverDiedError(SolverError):
    code = "solver_died"


class SolverUnavailableError(SolverError):
    code = "solver_unavailable"


class SolverFailedError(SolverError):
    """The engine raised an error; `code` is the error's name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Found:
    """A plan and its objective."""

    plan: Plan
    objective: float


@dataclass(frozen=True, slots=True)
class Appraisal:
    """What the independent checker finds against a plan (nothing: it may be committed)."""

    violations: tuple[Violation, ...]
    cost: Cost
    kpis: Kpis


class Workbench(Protocol):
    """One problem at hand.

    Every method raises CommitmentError where a duty's fixed beginning cannot be kept, and
    SolverError. Cancelling a call stops the work at once.
    """

    async def construct(self, seed: int) -> Found:
        """A first plan, without search."""

    async def improve(self, budget: Budget, seed: int, start: Plan) -> Found:
        """The best plan found within the budget, never worse than `start`."""

    async def appraise(self, plan: Plan) -> Appraisal:
        """The checker's verdict, from the problem and the plan alone."""


class Solver(Protocol):
    """Lends workbenches."""

    def workbench(self, problem: Problem) -> AbstractAsyncContextManager[Workbench]:
        """A workbench for `problem` within the block; waits while all are lent."""
