"""A worker process that is killed or stopped amid a search: no child stays, no run is lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psutil
import pytest
from support.dispatch_client import DispatchApi
from support.dispatch_worker import worker_of
from support.processes import wait_until_gone
from support.solving import busy, until
from support.stored_days import store_day

from atmr_common.database.tenancy import OWNER
from atmr_engine.simulate.demand import Demand, generate_day

DAY = date(2026, 3, 16)
ATMR = Path(sys.executable).with_name("atmr")


@contextmanager
def worker_process(api: DispatchApi, database_url: str, folder: Path) -> Iterator[psutil.Popen]:
    keys = folder / "jwks.json"
    keys.write_text(json.dumps(api.issuer.jwks()))
    environment = os.environ | {
        "ATMR_WORKER_PORT": "0",
        "DATABASE_URL": database_url,
        "ATMR_AUTH_ISSUER": "https://login.test/",
        "ATMR_AUTH_JWKS_FILE": str(keys),
        "ATMR_PATIENT_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "ATMR_WORKER_SLOTS": "1",
    }
    process = psutil.Popen(
        [str(ATMR), "serve", "dispatch-worker"], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        with suppress(psutil.NoSuchProcess):
            process.kill()
        process.wait()


@pytest.fixture
async def run_id(dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID) -> str:
    generated = generate_day(Demand(bookings=20, duties=4, day=DAY), seed=1)
    async with dispatch_api.ports.database.transaction(OWNER) as session:
        await store_day(session, company_id, generated)
    answer = await dispatcher.post("/v1/dispatch-runs", json={"date": str(DAY), "seconds": 60})
    return str(answer.json()["id"])


async def read(client: httpx.AsyncClient, run_id: str) -> dict[str, Any]:
    return dict((await client.get(f"/v1/dispatch-runs/{run_id}")).json())


async def searching(client: httpx.AsyncClient, run_id: str, worker: psutil.Popen) -> int:
    """The child that searches, once it does."""
    async with asyncio.timeout(60):
        while "heuristic" not in {s["stage"] for s in (await read(client, run_id))["stages"]}:  # noqa: ASYNC110  as a client
            await asyncio.sleep(0.05)
    [child] = worker.children()
    await busy(child.pid)
    return int(child.pid)


async def test_kill_9_leaves_no_child_and_the_run_is_taken_over(
    dispatch_api: DispatchApi,
    dispatcher: httpx.AsyncClient,
    run_id: str,
    database_url: str,
    tmp_path: Path,
) -> None:
    with worker_process(dispatch_api, database_url, tmp_path) as worker:
        child = await searching(dispatcher, run_id, worker)
        worker.send_signal(signal.SIGKILL)
        await asyncio.to_thread(wait_until_gone, child)
    assert (await read(dispatcher, run_id))["state"] == "running", "its lease still holds"
    dispatch_api.clock.advance(timedelta(days=3650))
    heir = worker_of(dispatch_api.ports)
    taking = asyncio.create_task(heir.work_once())
    await until(lambda: bool(heir._running))
    assert (await read(dispatcher, run_id))["state"] == "running"
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    assert (await read(dispatcher, run_id))["state"] == "queued"


async def test_sigterm_gives_the_run_back_at_once_and_ends_the_children(
    dispatch_api: DispatchApi,
    dispatcher: httpx.AsyncClient,
    run_id: str,
    database_url: str,
    tmp_path: Path,
) -> None:
    with worker_process(dispatch_api, database_url, tmp_path) as worker:
        child = await searching(dispatcher, run_id, worker)
        stopped_at = time.perf_counter()
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(worker.wait, 20) == 0
        assert time.perf_counter() - stopped_at < 5
        await asyncio.to_thread(wait_until_gone, child)
    assert (await read(dispatcher, run_id))["state"] == "queued"
