"""The solver in child processes: a search blocks neither the event loop nor a neighbour's run.

Children live long, with the engine loaded; one that died, or whose work was cancelled, is
replaced. They start one after the other in the background, so that a start is not slowed down.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

import structlog

from atmr_engine.budget import Budget
from atmr_engine.plan import Plan
from atmr_engine.problem import Problem
from dispatch_api.dispatch.solving.child_process import PROGRAM, ChildProcess
from dispatch_api.dispatch.solving.messages import Appraise, Construct, Improve, Take
from dispatch_api.dispatch.solving.port import (
    Appraisal,
    Found,
    SolverDiedError,
    SolverError,
    SolverUnavailableError,
)

Result = TypeVar("Result")

log = structlog.get_logger(__name__)

START_PATIENCE_S = 180.0
"""Long enough for a first compilation, which takes the better part of a minute."""
ANSWER_PATIENCE_S = 300.0
"""Beyond a search's own seconds; a child that takes longer hangs."""
PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0


def _not_counted() -> None:
    return None


class SolverProcesses:
    """Lends `size` children; used as an async context manager, at whose end none is left."""

    def __init__(
        self,
        size: int,
        *,
        program: Sequence[str] = PROGRAM,
        start_patience_s: float = START_PATIENCE_S,
    ) -> None:
        self.size = size
        self._program = program
        self._start_patience_s = start_patience_s
        self._restarted: Callable[[], None] = _not_counted
        self._free: asyncio.Queue[ChildProcess] = asyncio.Queue()
        self._children: set[ChildProcess] = set()
        self._lendable = 0
        self._starting = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(2 * size + 1, thread_name_prefix="solver")

    async def __aenter__(self) -> Self:
        self._beside(self._fill())
        return self

    async def __aexit__(self, *_: object) -> None:
        children = list(self._children)
        for child in children:
            child.kill()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(self._in_thread(child.reap) for child in children))
        self._children.clear()
        self._threads.shutdown(wait=False)

    def when_restarted(self, restarted: Callable[[], None]) -> None:
        """Tell of each child that is replaced."""
        self._restarted = restarted

    @property
    def lent(self) -> int:
        """How many children are at work."""
        return self._lendable - self._free.qsize()

    @property
    def pids(self) -> list[int]:
        """Of the children that live."""
        return [child.pid for child in self._children]

    @asynccontextmanager
    async def workbench(self, problem: Problem) -> AsyncIterator[ChildWorkbench]:
        """A child with `problem` at hand.

        Raises:
            SolverUnavailableError: when none could be started in time.

        """
        child = await self._borrow()
        bench = ChildWorkbench(child, self._in_thread)
        try:
            await bench.take(problem)
            yield bench
        finally:
            if bench.idle:
                self._free.put_nowait(child)
            else:
                child.kill()
                self._beside(self._replace(child))

    async def _borrow(self) -> ChildProcess:
        try:
            async with asyncio.timeout(self._start_patience_s) as patience:
                if self._lendable:
                    patience.reschedule(None)  # all are lent: their runs end some time
                return await self._free.get()
        except TimeoutError:
            raise SolverUnavailableError("no process of the solver could be started") from None

    async def _fill(self) -> None:
        for _ in range(self.size):
            await self._add()

    async def _replace(self, child: ChildProcess) -> None:
        """Take another for one that was killed or died."""
        self._lendable -= 1
        self._restarted()
        await self._in_thread(child.reap)
        self._children.discard(child)
        await self._add()

    async def _add(self) -> None:
        """Start one more child, however often it takes."""
        pause_s = PAUSE_S
        async with self._starting:
            while (child := await self._started()) is None:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        self._lendable += 1
        self._free.put_nowait(child)

    async def _started(self) -> ChildProcess | None:
        try:
            child = ChildProcess(self._program)
        except OSError as error:
            log.warning("the solver's process does not start", because=str(error))
            return None
        self._children.add(child)
        try:
            await self._in_thread(child.wait_until_ready)
        except SolverError as error:
            log.warning("the solver's process does not start", because=str(error))
            await self._in_thread(child.reap)
            self._children.discard(child)
            return None
        return child

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _beside(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class ChildWorkbench:
    """One child, lent; `idle` says whether it waits for the next message and may be lent again."""

    def __init__(self, child: ChildProcess, in_thread: Callable[[Callable[[], Any]], Any]) -> None:
        self._child = child
        self._in_thread = in_thread
        self.idle = True

    async def take(self, problem: Problem) -> None:
        await self._ask(Take(problem))

    async def construct(self, seed: int) -> Found:
        found: Found = await self._ask(Construct(seed))
        return found

    async def improve(self, budget: Budget, seed: int, start: Plan) -> Found:
        patience_s = None if budget.seconds is None else ANSWER_PATIENCE_S + budget.seconds
        found: Found = await self._ask(Improve(budget, seed, start), patience_s)
        return found

    async def appraise(self, plan: Plan) -> Appraisal:
        appraisal: Appraisal = await self._ask(Appraise(plan))
        return appraisal

    async def _ask(self, message: object, patience_s: float | None = ANSWER_PATIENCE_S) -> Any:
        self.idle = False
        try:
            async with asyncio.timeout(patience_s):
                result = await self._in_thread(lambda: self._child.ask(message))
        except TimeoutError:
            raise SolverDiedError("the solver's process does not answer") from None
        except SolverDiedError:
            raise
        except Exception:
            self.idle = True  # it answered, with an error
            raise
        self.idle = True
        return result
