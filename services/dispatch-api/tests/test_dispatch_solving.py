"""The solver behind its port: both adapters do the same, and child processes end when they must."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import psutil
import pytest
import support.solving
from support.processes import python_program, wait_until_gone
from support.solving import LoopDelay, busy, small_problem, until

from atmr_engine import Budget, CommitmentError, Committed
from dispatch_api.dispatch.solving import child, child_process
from dispatch_api.dispatch.solving.in_thread import SolverThread
from dispatch_api.dispatch.solving.messages import read_message, write_message
from dispatch_api.dispatch.solving.port import (
    Solver,
    SolverDiedError,
    SolverFailedError,
    SolverUnavailableError,
)
from dispatch_api.dispatch.solving.processes import SolverProcesses

LONG = Budget(seconds=60)
SPOILT = """
import os
from dispatch_api.dispatch.solving import child, work
def {function}(*_):
    {body}
work.{function} = {function}
child.main()
"""


def spoilt(function: str, body: str) -> tuple[str, ...]:
    """A child that does something else instead of `function`."""
    return (sys.executable, "-c", SPOILT.format(function=function, body=body))


@pytest.fixture(params=["thread", "processes"])
async def solver(request: pytest.FixtureRequest) -> AsyncIterator[Solver]:
    async with AsyncExitStack() as stack:
        if request.param == "thread":
            yield SolverThread()
        else:
            yield await stack.enter_async_context(SolverProcesses(1))


@pytest.fixture
async def processes() -> AsyncIterator[SolverProcesses]:
    async with SolverProcesses(1) as pool:
        yield pool


class TestEverySolver:
    async def test_constructs_improves_and_appraises(self, solver: Solver) -> None:
        problem = await small_problem()
        async with solver.workbench(problem) as bench:
            first = await bench.construct(1)
            better = await bench.improve(Budget(iterations=200), 1, first.plan)
            appraisal = await bench.appraise(better.plan)
        assert better.objective <= first.objective
        assert (appraisal.violations, appraisal.cost.total) == ((), better.objective)
        assert appraisal.kpis.requests == 12
        assert better.plan.iterations == 200

    async def test_finds_the_same_plan_as_the_engine_itself(self, solver: Solver) -> None:
        problem = await small_problem()
        async with SolverThread().workbench(problem) as bench:
            expected = await bench.improve(
                Budget(iterations=50), 3, (await bench.construct(3)).plan
            )
        async with solver.workbench(problem) as bench:
            found = await bench.improve(Budget(iterations=50), 3, (await bench.construct(3)).plan)
        assert (found.plan.routes, found.objective) == (expected.plan.routes, expected.objective)

    async def test_a_plan_that_breaks_a_rule_is_found_out(self, solver: Solver) -> None:
        problem = await small_problem()
        async with solver.workbench(problem) as bench:
            plan = (await bench.construct(1)).plan
            worse = replace(plan, routes=(*plan.routes, plan.routes[0]))
            assert (await bench.appraise(worse)).violations

    async def test_a_beginning_that_cannot_be_kept_names_its_duty(self, solver: Solver) -> None:
        problem = await small_problem()
        late = Committed(kind="pickup", request=problem.requests[0].id, begin_s=86_000.0)
        duty = replace(problem.duties[0], committed=(late,))
        async with solver.workbench(replace(problem, duties=(duty, *problem.duties[1:]))) as bench:
            with pytest.raises(CommitmentError) as refused:
                await bench.construct(1)
            assert refused.value.duty == duty.id
            with pytest.raises(CommitmentError):
                await bench.construct(2)

    async def test_a_cancelled_search_does_not_keep_its_caller(self, solver: Solver) -> None:
        problem = await small_problem()
        budget = Budget(seconds=3)
        async with solver.workbench(problem) as bench:
            plan = (await bench.construct(1)).plan
            started = time.perf_counter()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await bench.improve(budget, 1, plan)
            assert time.perf_counter() - started < 1


class TestChildProcesses:
    async def test_a_killed_child_is_told_and_replaced(self, processes: SolverProcesses) -> None:
        problem = await small_problem()
        async with processes.workbench(problem) as bench:
            plan = (await bench.construct(1)).plan
            [pid] = processes.pids
            search = asyncio.create_task(bench.improve(LONG, 1, plan))
            await busy(pid)
            os.kill(pid, 9)
            with pytest.raises(SolverDiedError, match="SIGKILL"):
                await search
        async with processes.workbench(problem) as bench:
            assert await bench.construct(1)
        assert processes.pids != [pid]

    async def test_a_cancelled_search_ends_its_child(self, processes: SolverProcesses) -> None:
        problem = await small_problem()
        async with processes.workbench(problem) as bench:
            plan = (await bench.construct(1)).plan
            [pid] = processes.pids
            search = asyncio.create_task(bench.improve(LONG, 1, plan))
            await busy(pid)
            search.cancel()
            await asyncio.gather(search, return_exceptions=True)
        await asyncio.to_thread(wait_until_gone, pid)

    async def test_an_error_of_the_engine_leaves_the_child_in_use(self) -> None:
        async with SolverProcesses(
            1, program=spoilt("construct", "raise ValueError('no')")
        ) as all_:
            async with all_.workbench(await small_problem()) as bench:
                [pid] = all_.pids
                with pytest.raises(SolverFailedError, match="no") as failed:
                    await bench.construct(1)
            assert (failed.value.code, all_.pids) == ("ValueError", [pid])

    async def test_what_a_library_prints_spoils_no_answer(self) -> None:
        body = "print('x' * 100_000, flush=True); return 'found'"
        async with (
            SolverProcesses(1, program=spoilt("construct", body)) as solver,
            solver.workbench(await small_problem()) as bench,
        ):
            assert str(await bench.construct(1)) == "found"

    async def test_no_child_that_starts_is_an_error_in_time(self) -> None:
        program = (sys.executable, "-c", "raise SystemExit(3)")
        async with SolverProcesses(1, program=program, start_patience_s=0.3) as solver:
            with pytest.raises(SolverUnavailableError):
                async with solver.workbench(await small_problem()):
                    pass

    async def test_none_is_left_at_the_end_even_while_starting(self) -> None:
        async with SolverProcesses(2) as solver:
            await until(lambda: bool(solver.pids))
            pids = solver.pids
        for pid in pids:
            wait_until_gone(pid)

    async def test_the_event_loop_is_free_while_a_large_problem_is_solved(
        self, processes: SolverProcesses
    ) -> None:
        problem = await small_problem(400, 30)
        async with processes.workbench(problem) as bench, LoopDelay() as delay:
            plan = (await bench.construct(1)).plan
            plan = (await bench.improve(Budget(seconds=0.5), 1, plan)).plan
            await bench.appraise(plan)
        assert delay.worst_s < 0.25

    def test_children_end_with_a_parent_that_is_killed(self) -> None:
        code = """
import asyncio
from dispatch_api.dispatch.solving.processes import SolverProcesses
from atmr_engine import Budget
from support.solving import small_problem

async def main():
    problem = await small_problem()
    async with SolverProcesses(1) as solver, solver.workbench(problem) as bench:
        plan = (await bench.construct(1)).plan
        print(*solver.pids, flush=True)
        await bench.improve(Budget(seconds=60), 1, plan)

asyncio.run(main())
"""
        with python_program(
            code, PYTHONPATH=str(Path(support.solving.__file__).parents[1])
        ) as program:
            assert program.stdout is not None
            pid = int(program.stdout.readline())
            assert psutil.pid_exists(pid)
            program.kill()
            wait_until_gone(pid)


class TestMessages:
    def test_arrays_travel_beside_the_pickle_and_can_be_written_to(self) -> None:
        stream = BytesIO()
        write_message(stream, {"a": np.arange(6.0).reshape(2, 3), "b": "text"})
        write_message(stream, "the next")
        stream.seek(0)
        first = read_message(stream)
        first["a"][0, 0] = 7
        assert (first["a"].tolist(), first["b"]) == ([[7, 1, 2], [3, 4, 5]], "text")
        assert read_message(stream) == "the next"
        with pytest.raises(EOFError):
            read_message(stream)

    def test_a_cut_message_is_the_end(self) -> None:
        stream = BytesIO()
        write_message(stream, np.zeros(100))
        with pytest.raises(EOFError):
            read_message(BytesIO(stream.getvalue()[:-1]))


def test_a_child_does_not_start_thread_pools() -> None:
    assert "OPENBLAS_NUM_THREADS" in child_process.ONE_THREAD


def own_priority() -> tuple[int, int]:
    """This thread's niceness and scheduling class."""
    thread = threading.get_native_id()
    return os.getpriority(os.PRIO_PROCESS, thread), os.sched_getscheduler(thread)


LAST = (child.LOWEST_PRIORITY, os.SCHED_IDLE)


def test_a_long_search_gives_way_and_the_next_one_begins_as_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(child, "LONG_S", 0.05)

    def until_stepped_back() -> tuple[int, int]:
        deadline = time.monotonic() + 10
        while own_priority() != LAST and time.monotonic() < deadline:
            time.sleep(0.01)
        return own_priority()

    usual, unknown = own_priority(), Budget(iterations=1)
    assert child._giving_way(until_stepped_back, unknown) == LAST
    assert child._giving_way(own_priority, unknown) == own_priority() == usual


def test_a_search_whose_budget_is_long_gives_way_from_its_beginning() -> None:
    assert child._giving_way(own_priority, Budget(seconds=child.LONG_S + 1)) == LAST
    assert child._giving_way(own_priority, Budget(seconds=child.LONG_S)) == own_priority()


async def test_a_child_is_of_our_session_or_its_niceness_would_be_lost() -> None:
    """Linux shares the time between sessions first (autogroups), then by niceness within each."""
    async with SolverProcesses(1) as solver:
        await until(lambda: len(solver.pids) == 1)
        (pid,) = solver.pids
        assert os.getsid(pid) == os.getsid(0)
        assert os.getpgid(pid) == pid, "a Ctrl-C in the terminal is not for the child"
