"""The worker with real processes of the solver: cancelled in time, killed, stopped, poisoned."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
import psutil
import pytest
from prometheus_client import CollectorRegistry
from support.dispatch_client import DispatchApi
from support.dispatch_worker import worker_of
from support.processes import wait_until_gone
from support.solving import LoopDelay, busy, until
from support.stored_days import store_day

from atmr_common.bus.port import Message
from atmr_common.contracts.catalogue import RUN
from atmr_common.database.tenancy import OWNER
from atmr_common.web.identity import Role
from atmr_engine.simulate.demand import Demand, generate_day
from dispatch_api.dispatch.metrics import DispatchMetrics
from dispatch_api.dispatch.solving.processes import SolverProcesses
from dispatch_api.dispatch.worker_loop import DispatchWorker

DAY = date(2026, 3, 16)
POISON = """
import os
from dispatch_api.dispatch.solving import child, work
construct = work.construct
def poisoned(problem, seed):
    if seed == 666:
        os.kill(os.getpid(), 11)
    return construct(problem, seed)
work.construct = poisoned
child.main()
"""


@asynccontextmanager
async def at_work(worker: DispatchWorker) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(worker.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def solver() -> AsyncIterator[SolverProcesses]:
    async with SolverProcesses(1) as processes:
        yield processes


@pytest.fixture(autouse=True)
async def day(dispatch_api: DispatchApi, company_id: UUID) -> None:
    await store(dispatch_api, company_id)


async def store(api: DispatchApi, company_id: UUID, bookings: int = 20, duties: int = 4) -> None:
    generated = generate_day(Demand(bookings=bookings, duties=duties, day=DAY), seed=1)
    async with api.ports.database.transaction(OWNER) as session:
        await store_day(session, company_id, generated)


async def request_run(client: httpx.AsyncClient, **fields: Any) -> str:
    answer = await client.post("/v1/dispatch-runs", json={"date": str(DAY)} | fields)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def read(client: httpx.AsyncClient, run_id: str) -> dict[str, Any]:
    return dict((await client.get(f"/v1/dispatch-runs/{run_id}")).json())


async def ended(client: httpx.AsyncClient, run_id: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while not (run := await read(client, run_id))["finished_at"]:  # noqa: ASYNC110  as a client
            await asyncio.sleep(0.02)
    return run


async def searching(solver: SolverProcesses) -> int:
    """The child that searches, once it does."""
    await until(lambda: bool(solver.pids))
    [pid] = solver.pids
    await until(lambda: solver.lent == 1)
    await busy(pid)
    return pid


class TestCancel:
    async def test_a_long_search_ends_within_a_second_and_commits_nothing(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, solver: SolverProcesses
    ) -> None:
        worker = worker_of(dispatch_api.ports, solver=solver, slots=1, watch_s=0.4)
        async with at_work(worker):
            run_id = await request_run(dispatcher, seconds=60)
            pid = await searching(solver)
            cancelled_at = time.perf_counter()
            answer = await dispatcher.post(f"/v1/dispatch-runs/{run_id}/cancel")
            assert answer.json()["state"] == "cancelled"
            await asyncio.to_thread(wait_until_gone, pid)
            assert time.perf_counter() - cancelled_at < 1
            again = await request_run(dispatcher, iterations=5)
            assert (await ended(dispatcher, again))["plan_version"] == 1
        assert (await read(dispatcher, run_id))["state"] == "cancelled"


class TestDeaths:
    async def test_a_killed_child_costs_one_attempt(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, solver: SolverProcesses
    ) -> None:
        registry = CollectorRegistry()
        metrics = DispatchMetrics(registry)
        solver.when_restarted(metrics.solver_restarts.inc)
        worker = worker_of(dispatch_api.ports, solver=solver, slots=1, metrics=metrics)
        async with at_work(worker):
            run_id = await request_run(dispatcher, seconds=1.5)
            os.kill(await searching(solver), 9)
            run = await ended(dispatcher, run_id)
        assert (run["state"], run["attempts"]) == ("completed", 1)
        assert registry.get_sample_value("atmr_dispatch_solver_restarts_total") == 1
        completed = {"outcome": "completed"}
        assert registry.get_sample_value("atmr_dispatch_runs_total", completed) == 1

    async def test_a_problem_that_ends_each_child_fails_alone(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
    ) -> None:
        neighbour = await dispatch_api.company("Neighbour")
        await store(dispatch_api, neighbour)
        async with (
            SolverProcesses(1, program=(sys.executable, "-c", POISON)) as solver,
            at_work(worker_of(dispatch_api.ports, solver=solver, slots=2)),
            dispatch_api.client(neighbour) as other,
        ):
            poison = await request_run(dispatcher, seed=666, iterations=5)
            wholesome = await request_run(other, iterations=5)
            failed, completed = await asyncio.gather(
                ended(dispatcher, poison), ended(other, wholesome)
            )
        assert failed["state"] == "failed"
        assert failed["error"].startswith("solver_died: ")
        assert "SIGSEGV" in failed["error"]
        assert completed["state"] == "completed"

    async def test_a_worker_that_stops_gives_its_run_back_and_leaves_no_child(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
    ) -> None:
        async with SolverProcesses(1) as solver:
            async with at_work(worker_of(dispatch_api.ports, solver=solver, slots=1)):
                run_id = await request_run(dispatcher, seconds=60)
                pid = await searching(solver)
                stopped_at = time.perf_counter()
            assert (await read(dispatcher, run_id))["state"] == "queued"
        assert time.perf_counter() - stopped_at < 2
        assert not psutil.pid_exists(pid)

    async def test_a_lease_is_kept_as_long_as_a_search_takes(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, solver: SolverProcesses
    ) -> None:
        worker = worker_of(
            dispatch_api.ports, solver=solver, slots=1, renew_s=0.05, lease=timedelta(seconds=1)
        )
        async with at_work(worker):
            run_id = await request_run(dispatcher, seconds=1)
            await searching(solver)
            dispatch_api.clock.advance(timedelta(seconds=0.9))
            await asyncio.sleep(0.2)  # a few renewals
            dispatch_api.clock.advance(timedelta(seconds=0.9))
            assert not await worker_of(dispatch_api.ports).work_once()
            assert (await ended(dispatcher, run_id))["state"] == "completed"


class TestSlots:
    async def test_a_small_run_does_not_wait_for_a_long_one(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
    ) -> None:
        neighbour = await dispatch_api.company("Neighbour")
        await store(dispatch_api, neighbour)
        async with (
            SolverProcesses(2) as solver,
            at_work(worker_of(dispatch_api.ports, solver=solver, slots=2)),
            dispatch_api.client(neighbour) as other,
        ):
            long = [await request_run(dispatcher, seconds=60) for _ in range(2)]
            await until(lambda: solver.lent == 1)
            small = await ended(other, await request_run(other))
            states = [(await read(dispatcher, run_id))["state"] for run_id in long]
        assert small["state"] == "completed"
        assert sorted(states) == ["queued", "running"]

    async def test_a_search_shortened_by_the_queue_says_so(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
    ) -> None:
        runs = [await request_run(dispatcher) for _ in range(4)]
        worker = worker_of(dispatch_api.ports, slots=1, service_seconds=2.0)
        assert await worker.work_once()
        stages = {each["stage"]: each for each in (await read(dispatcher, runs[0]))["stages"]}
        detail = stages["solver"]["detail"]
        assert (detail["shortened_by"], detail["waiting"]) == ("queue", 3)
        assert detail["budget_s"] == pytest.approx(0.4 / 3, abs=0.001)
        assert detail["budget_from"] == "size"

    async def test_the_door_answers_while_a_large_day_is_planned(
        self, dispatch_api: DispatchApi, solver: SolverProcesses
    ) -> None:
        large = await dispatch_api.company("Large")
        await store(dispatch_api, large, bookings=150, duties=15)
        async with (
            at_work(worker_of(dispatch_api.ports, solver=solver, slots=1)),
            dispatch_api.client(large) as client,
            LoopDelay() as delay,
        ):
            run = await ended(client, await request_run(client, seconds=3))
        assert run["state"] == "completed"
        assert delay.worst_s < 1.5

    async def test_a_nudge_wakes_the_worker_before_it_looks(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
    ) -> None:
        worker = worker_of(dispatch_api.ports, poll_s=600)
        async with at_work(worker):
            await asyncio.sleep(0.1)  # it has looked once, and waits
            run_id = await request_run(dispatcher, iterations=1)
            nudge = Message(topic=RUN, key=run_id, value=b"{}")
            await dispatch_api.ports.bus.publish([nudge])
            assert (await ended(dispatcher, run_id))["state"] == "completed"


async def test_a_database_that_comes_back_costs_an_attempt_and_no_run(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
) -> None:
    class Away(type(dispatch_api.ports.travel)):  # type: ignore[misc]  # whatever the travel times are
        async def matrix(self, points: Sequence[Any]) -> Any:
            if not away:
                away.append(1)
                raise ConnectionResetError("as the database's driver says it")
            return await super().matrix(points)

    away: list[int] = []
    run_id = await request_run(dispatcher, iterations=1)
    ports = replace(dispatch_api.ports, travel=Away())
    assert await worker_of(ports).work_once()
    run = await read(dispatcher, run_id)
    assert (run["state"], run["attempts"]) == ("completed", 1)


class TestQuota:
    async def used(self, client: httpx.AsyncClient) -> float:
        answer = await client.get("/v1/company/usage")
        return float(answer.json()["today"]["solver_seconds"])

    async def test_search_time_is_counted_and_refused_beyond_it(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
    ) -> None:
        run_id = await request_run(dispatcher, seconds=0.3)
        assert await worker_of(dispatch_api.ports).work_once()
        run = await read(dispatcher, run_id)
        taken = [each["seconds"] for each in run["stages"]]
        names = [each["stage"] for each in run["stages"]]
        solver = sum(taken[names.index("heuristic") : names.index("commit")])
        assert await self.used(dispatcher) == pytest.approx(solver, rel=0.05)
        async with dispatch_api.client(None, Role.SERVICE) as platform:
            quotas = {"daily_solver_seconds": 0.1}
            answer = await platform.put(f"/v1/companies/{company_id}/quotas", json=quotas)
            assert answer.is_success, answer.text
        refused = await dispatcher.post("/v1/dispatch-runs", json={"date": str(DAY)})
        assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")

    async def test_a_search_that_was_cancelled_is_counted_too(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, solver: SolverProcesses
    ) -> None:
        async with at_work(worker_of(dispatch_api.ports, solver=solver, slots=1)):
            run_id = await request_run(dispatcher, seconds=60)
            await searching(solver)
            assert (await dispatcher.post(f"/v1/dispatch-runs/{run_id}/cancel")).is_success
            async with asyncio.timeout(10):
                while not (seconds := await self.used(dispatcher)):  # noqa: ASYNC110  as a client
                    await asyncio.sleep(0.02)
        assert seconds > 0.2
