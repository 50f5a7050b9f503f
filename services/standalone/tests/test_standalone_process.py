"""Standalone as a process of its own: what signals, ports and lost parts do to it."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path

import psutil
from support.processes import PATIENCE_S, python_program, servers_in

SERVE = "import sys; from standalone.process import serve; sys.argv = ['atmr']; serve()"


def _environment(data: Path, **more: str) -> dict[str, str]:
    return {
        "ATMR_DATA": str(data),
        "ATMR_PORT_BASE": "0",
        "TMPDIR": str(data.parent),
        "DATABASE_URL": "",
        **more,
    }


def _wait_for(process: subprocess.Popen[str], beginning: str) -> str:
    """The first line of the program's messages that begins so."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        if line.startswith(beginning):
            return line
        seen.append(line)
    raise AssertionError(f"it ended before {beginning!r}: {''.join(seen)}")


def _port(line: str) -> int:
    return int(line.split("http://127.0.0.1:")[1].split(maxsplit=1)[0])


def test_sigterm_stops_everything_with_exit_code_0(standalone_data: Path) -> None:
    with python_program(SERVE, **_environment(standalone_data)) as process:
        _wait_for(process, "Ready.")
        assert servers_in(standalone_data / "postgres" / "cluster")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert servers_in(standalone_data / "postgres" / "cluster") == []
    assert not (standalone_data / "postgres" / "cluster" / "postmaster.pid").exists()


def test_a_second_ctrl_c_does_not_wait_for_a_slow_client(standalone_data: Path) -> None:
    environment = _environment(standalone_data, ATMR_DRAIN_SECONDS="600")
    with python_program(SERVE, **environment) as process:
        port = _port(_wait_for(process, "dispatch-api answers on"))
        _wait_for(process, "Ready.")
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"POST /v1/companies HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n")
            process.send_signal(signal.SIGINT)
            _wait_for(process, "Stopping (Ctrl-C again")
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_S) == 0
    assert servers_in(standalone_data / "postgres" / "cluster") == []


def test_ctrl_c_during_the_start_leaves_nothing_running(open_folder: Path) -> None:
    data = open_folder / "new"
    with python_program(SERVE, **_environment(data)) as process:
        _wait_for(process, "Making a new database")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 130
    assert servers_in(data / "postgres" / "cluster") == []


def test_a_taken_port_is_named_before_anything_is_started(open_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        environment = _environment(open_folder / "new", ATMR_DISPATCH_PORT=str(port))
        with python_program(SERVE, **environment) as process:
            assert process.wait(PATIENCE_S) == 2
            said = process.communicate()[1]
    assert f"Port {port} on 127.0.0.1, for dispatch-api, is taken" in said
    assert "ATMR_DISPATCH_PORT or ATMR_PORT_BASE (atmr demo: --port)" in said
    assert not (open_folder / "new").exists()


def test_it_stops_with_an_error_when_its_database_dies(standalone_data: Path) -> None:
    with python_program(SERVE, **_environment(standalone_data)) as process:
        _wait_for(process, "Ready.")
        lock = standalone_data / "postgres" / "cluster" / "postmaster.pid"
        psutil.Process(int(lock.read_text().splitlines()[0])).kill()
        _wait_for(process, "atmr: Stopping everything, because this ended by itself: the embedded")
        assert process.wait(PATIENCE_S) == 1


def test_a_database_url_that_does_not_answer_is_explained(open_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
    url = f"postgresql://nobody@127.0.0.1:{port}/atmr"
    environment = _environment(open_folder / "new", DATABASE_URL=url)
    with python_program(SERVE, **environment) as process:
        assert process.wait(PATIENCE_S) == 1
        said = process.communicate()[1]
    assert "atmr: The PostgreSQL server of DATABASE_URL (127.0.0.1) cannot be used" in said
    assert "without it, an embedded server is used" in said
    assert "Traceback" not in said


BUSY_THREAD = """
import asyncio, threading
from atmr_common.runtime.leaving import leave
from standalone.stopping import run_until_stopped
async def body(stop):
    stop.was_serving = True
    searching = asyncio.create_task(asyncio.to_thread(threading.Event().wait))
    print("Ready.", flush=True, file=__import__("sys").stderr)
    await searching
leave(run_until_stopped(body, print))
"""


def test_a_thread_that_still_searches_does_not_hold_the_exit() -> None:
    with python_program(BUSY_THREAD) as process:
        _wait_for(process, "Ready.")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
