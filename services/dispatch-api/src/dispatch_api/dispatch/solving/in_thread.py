"""The solver in a thread of this process: for tests, which need not wait for children to start.

A cancelled call is not waited for, but its search goes on to the end of its budget: servers use
`processes.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from atmr_engine.budget import Budget
from atmr_engine.plan import Plan
from atmr_engine.problem import Problem
from dispatch_api.dispatch.solving import work
from dispatch_api.dispatch.solving.port import Appraisal, Found


class SolverThread:
    """Lends as many workbenches as are asked for."""

    @asynccontextmanager
    async def workbench(self, problem: Problem) -> AsyncIterator[ThreadWorkbench]:
        yield ThreadWorkbench(problem)


class ThreadWorkbench:
    """One problem at hand."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    async def construct(self, seed: int) -> Found:
        return await asyncio.to_thread(work.construct, self._problem, seed)

    async def improve(self, budget: Budget, seed: int, start: Plan) -> Found:
        return await asyncio.to_thread(work.improve, self._problem, budget, seed, start)

    async def appraise(self, plan: Plan) -> Appraisal:
        return await asyncio.to_thread(work.appraise, self._problem, plan)
