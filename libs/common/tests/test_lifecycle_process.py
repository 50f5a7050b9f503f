"""A real service process: what SIGTERM does to open requests, readiness, and the exit code."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from support.processes import PATIENCE_S, python_program

SERVICE = """
import asyncio, sys
from contextlib import asynccontextmanager
from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from atmr_common.observability.logs import configure_logs
from atmr_common.runtime.lifecycle import Part, task_part
from atmr_common.runtime.service_process import run_service
from atmr_common.web.server import server_part
from atmr_common.web.service_app import ServiceDescription, create_service_app

port, drain_s, delay_s = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
configure_logs("INFO", "json")
router = APIRouter()

@router.get("/slow")
async def slow(seconds: float) -> str:
    print("asked", flush=True)
    await asyncio.sleep(seconds)
    return "answered"

@asynccontextmanager
async def lifespan(_):
    yield

async def start(lifecycle):
    async def close():
        print("database closed", flush=True)
    async def work():
        await asyncio.Event().wait()
    async def flush():
        print("flushed", flush=True)
    await lifecycle.start(Part(name="database", stop=close))
    await lifecycle.start(task_part("relay", work, flush=flush))
    app = create_service_app(ServiceDescription(
        name="slow", title="Slow", summary="Slow.", version="1", routers=[router],
        lifespan=lifespan, registry=CollectorRegistry(), max_body_bytes=1000,
        readiness={"process": lifecycle.readiness},
    ))
    await lifecycle.start(server_part(app, host="127.0.0.1", port=port, drain_s=drain_s))
    print("ready", flush=True)

run_service(start, drain_seconds=drain_s, drain_delay_s=delay_s)
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Service:
    """The process and its door."""

    process: subprocess.Popen[str]
    port: int
    slow: list[httpx.Response | httpx.TransportError] = field(default_factory=list)

    def said(self, line: str) -> None:
        """Wait until the process says `line`."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == line + "\n"

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE_S)

    def ask_slowly(self, seconds: float) -> threading.Thread:
        """A request that takes `seconds`, on its way when this returns."""

        def ask() -> None:
            try:
                self.slow.append(self.get(f"/slow?seconds={seconds}"))
            except httpx.TransportError as error:
                self.slow.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        self.said("asked")
        return thread

    def ended(self) -> tuple[int, str, list[dict[str, object]]]:
        """Exit code, what it said, and what it logged."""
        said, logged = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, said, [json.loads(line) for line in logged.splitlines()]


@contextmanager
def service(drain_s: float = 20, delay_s: float = 0) -> Iterator[Service]:
    port = free_port()
    with python_program(SERVICE, port, drain_s, delay_s) as process:
        running = Service(process, port)
        running.said("ready")
        yield running


def test_a_request_under_way_is_answered_and_readiness_is_refused_first() -> None:
    with service(delay_s=1.0) as running:
        assert running.get("/readyz").status_code == 200
        asking = running.ask_slowly(1.5)
        running.process.send_signal(signal.SIGTERM)
        refused = running.get("/readyz")
        while refused.status_code == 200:  # the signal is on its way
            refused = running.get("/readyz")
        assert refused.status_code == 503
        assert refused.json()["failed"] == {"process": "the process is stopping"}
        asking.join(PATIENCE_S)
        code, said, logged = running.ended()
    answer = running.slow[0]
    assert isinstance(answer, httpx.Response)
    assert (answer.status_code, answer.json()) == (200, "answered")
    assert said == "flushed\ndatabase closed\n"
    assert code == 0
    stopped = [line["part"] for line in logged if line["event"] == "part stopped"]
    assert stopped == ["server", "relay", "database"]


def test_a_request_that_hangs_is_cut_at_the_deadline() -> None:
    with service(drain_s=1.0) as running:
        asking = running.ask_slowly(600)
        began = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        code, said, _ = running.ended()
        assert time.monotonic() - began < 6
        asking.join(PATIENCE_S)
    answer = running.slow[0]
    assert isinstance(answer, httpx.TransportError) or answer.status_code == 500
    assert said == "flushed\ndatabase closed\n"
    assert code == 0


def test_a_second_signal_hurries() -> None:
    with service(drain_s=600, delay_s=300) as running:
        asking = running.ask_slowly(600)
        running.process.send_signal(signal.SIGTERM)
        while running.get("/readyz").status_code == 200:
            pass
        running.process.send_signal(signal.SIGTERM)
        code, _, _ = running.ended()
        asking.join(PATIENCE_S)
    assert code == 0


def test_a_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with python_program(SERVICE, port, 20, 0) as process:
            said, logged = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert said == "flushed\ndatabase closed\n"
    assert f"Cannot listen on 127.0.0.1:{port}" in logged
    assert "set ATMR_HOST or ATMR_PORT" in logged
    assert "Traceback" not in logged


STUBBORN = """
import asyncio
from atmr_common.observability.logs import configure_logs
from atmr_common.runtime.lifecycle import Part
from atmr_common.runtime.service_process import run_service

configure_logs()

async def for_ever():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue

async def start(lifecycle):
    await lifecycle.start(Part(name="bus", stop=for_ever))
    print("ready", flush=True)

run_service(start, drain_seconds=1)
"""


def test_a_part_that_never_stops_does_not_hold_the_process() -> None:
    with python_program(STUBBORN) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        logged = process.communicate(timeout=PATIENCE_S)[1]
    assert process.returncode == 1
    assert "part did not stop" in logged


@pytest.mark.parametrize(("end", "code"), [("return", 1), ("raise ConnectionError", 1)])
def test_a_part_that_ends_by_itself_ends_the_process(end: str, code: int) -> None:
    program = f"""
from atmr_common.runtime.lifecycle import task_part
from atmr_common.runtime.service_process import run_service
async def work():
    {end}
async def start(lifecycle):
    await lifecycle.start(task_part("relay", work))
run_service(start)
"""
    with python_program(program) as process:
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code
