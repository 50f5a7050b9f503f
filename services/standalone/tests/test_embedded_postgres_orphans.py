from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from support.processes import PATIENCE_S, python_program, servers_in, wait_until_gone

from standalone.embedded_postgres import EmbeddedPostgres
from standalone.embedded_postgres.binaries import newest_binaries
from standalone.embedded_postgres.orphans import clear_remains

RUN_FOR_EVER = """
import sys, threading
from pathlib import Path
from standalone.embedded_postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
starter = threading.Thread(target=server.start)
starter.start()
starter.join()
print(server.pid, flush=True)
threading.Event().wait()
"""


def _pid_of_server(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_no_server_is_left_when_its_process_dies(own_data: Path, number: signal.Signals) -> None:
    with python_program(RUN_FOR_EVER, own_data, TMPDIR=str(own_data.parent)) as process:
        server = _pid_of_server(process)
        process.send_signal(number)
        process.wait(PATIENCE_S)
        wait_until_gone(server)
    assert servers_in(own_data / "cluster") == []


def test_a_killed_run_is_taken_over(own_data: Path) -> None:
    with python_program(RUN_FOR_EVER, own_data, TMPDIR=str(own_data.parent)) as process:
        server = _pid_of_server(process)
        os.kill(server, signal.SIGKILL)
        process.kill()
        process.wait(PATIENCE_S)
        wait_until_gone(server)
    assert (own_data / "cluster" / "postmaster.pid").exists()
    told: list[str] = []
    with EmbeddedPostgres(own_data, announce=told.append) as again:
        assert again.is_running
    assert told == [f"Took over {own_data / 'cluster'}, which a killed run had left locked."]


def _start_without_a_parent(data_dir: Path, sockets: Path) -> subprocess.Popen[bytes]:
    """A server as a killed run leaves it where the kernel does not end it."""
    cluster = data_dir / "cluster"
    sockets.mkdir(mode=0o777)
    sockets.chmod(0o777)
    command = [str(newest_binaries().postgres), "-D", str(cluster), "-k", str(sockets), "-h", ""]
    owner = cluster.stat().st_uid
    orphan = subprocess.Popen(
        command, user=owner if os.geteuid() == 0 else None, cwd="/", stderr=subprocess.PIPE
    )
    assert orphan.stderr is not None
    for line in orphan.stderr:
        if b"ready to accept connections" in line:
            return orphan
    raise AssertionError("the orphan did not start")


def test_a_living_orphan_is_stopped_first(own_data: Path) -> None:
    orphan = _start_without_a_parent(own_data, own_data.parent / "sockets")
    told: list[str] = []
    with EmbeddedPostgres(own_data, announce=told.append) as server:
        assert server.pid != orphan.pid
        assert server.is_running
    assert orphan.wait(PATIENCE_S) == 0, "a fast shutdown ends with 0, a kill does not"
    orphan.communicate()
    assert f"(process {orphan.pid})" in told[0]


def test_helpers_without_their_main_process_are_ended(own_data: Path) -> None:
    orphan = _start_without_a_parent(own_data, own_data.parent / "sockets")
    helpers = psutil.Process(orphan.pid).children()
    frozen = helpers[0]
    frozen.suspend()  # it cannot notice that its main process is gone
    orphan.kill()
    orphan.wait(PATIENCE_S)
    try:
        with EmbeddedPostgres(own_data) as server:
            assert server.is_running
            assert not frozen.is_running()
    finally:
        if frozen.is_running():
            frozen.kill()
        orphan.communicate()


def test_a_stranger_that_has_the_number_of_a_dead_server_is_left_alone(own_data: Path) -> None:
    """Of the server's own account, where PostgreSQL itself would take it for the dead server."""
    owner = (own_data / "cluster").stat().st_uid
    command = [shutil.which("sleep") or "", "600"]
    stranger = subprocess.Popen(command, user=owner if os.geteuid() == 0 else None, cwd="/")
    try:
        lock = own_data / "cluster" / "postmaster.pid"
        lock.write_text(f"{stranger.pid}\n{own_data / 'cluster'}\n")
        with EmbeddedPostgres(own_data) as server:
            assert server.is_running
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_the_socket_folder_of_a_killed_run_is_removed_and_no_other(own_data: Path) -> None:
    ours, other = own_data.parent / "atmr-postgres-x", own_data.parent / "other"
    for folder in (ours, other):
        folder.mkdir()
        lines = ["999999", str(own_data), "0", "5432", str(folder), "", "", "ready"]
        (own_data / "cluster" / "postmaster.pid").write_text("\n".join(lines))
        clear_remains(own_data / "cluster")
    assert not ours.exists()
    assert other.exists()
