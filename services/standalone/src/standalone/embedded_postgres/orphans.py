"""Clears away what a killed run left: a server of ours that still runs, or its lock file.

Called only while we hold the lock of the data directory, so nobody else's living run is touched;
and a process is stopped only if it is a `postgres` that works inside this very cluster.
"""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import psutil

from standalone.embedded_postgres.errors import EmbeddedPostgresError

__all__ = ["SOCKET_FOLDER_PREFIX", "clear_remains"]

SOCKET_FOLDER_PREFIX = "atmr-postgres-"
PATIENCE_S = 10.0
HELPERS_PATIENCE_S = 2.0
SOCKET_FOLDER_LINE = 4


def clear_remains(cluster: Path) -> list[str]:
    """Stop orphans, remove the lock file; one sentence for each thing that was done."""
    lock_file = cluster / "postmaster.pid"
    try:
        lines = lock_file.read_text().splitlines()
    except FileNotFoundError:
        lines = []
    done = [
        f"Stopped a PostgreSQL server (process {pid}) that a killed run had left on {cluster}."
        for pid in _stop_servers(cluster, int(lines[0]) if lines else None)
    ]
    if lines:
        lock_file.unlink(missing_ok=True)
        done.append(f"Took over {cluster}, which a killed run had left locked.")
    if len(lines) > SOCKET_FOLDER_LINE:
        _remove_socket_folder(Path(lines[SOCKET_FOLDER_LINE]))
    return done


def _stop_servers(cluster: Path, main_pid: int | None) -> list[int]:
    servers = [process for process in psutil.process_iter() if _works_in(process, cluster)]
    main = [process for process in servers if process.pid == main_pid]
    for process in main:
        _stop(process, cluster)
    # The helpers of a main process end when they notice its end, and it is gone now.
    _, deaf = psutil.wait_procs(servers, timeout=HELPERS_PATIENCE_S)
    for process in deaf:
        process.kill()
    psutil.wait_procs(deaf, timeout=PATIENCE_S)
    return [process.pid for process in main or deaf]


def _works_in(process: psutil.Process, cluster: Path) -> bool:
    """PostgreSQL processes change into their data directory: the surest mark of whose they are."""
    try:
        return process.name().startswith("postgres") and Path(process.cwd()) == cluster.resolve()
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return False


def _stop(process: psutil.Process, cluster: Path) -> None:
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        try:
            process.send_signal(number)
            process.wait(PATIENCE_S)
        except psutil.NoSuchProcess:
            return
        except psutil.TimeoutExpired:
            continue
        except psutil.AccessDenied:
            break
        return
    raise EmbeddedPostgresError(
        f"The PostgreSQL process {process.pid} still works in {cluster} and does not stop: "
        f"end it (kill {process.pid}), or set ATMR_DATA to another folder."
    )


def _remove_socket_folder(folder: Path) -> None:
    if folder.name.startswith(SOCKET_FOLDER_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)
