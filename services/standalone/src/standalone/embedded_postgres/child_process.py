"""Starts PostgreSQL programs so that none of them can outlive this process.

On Linux the kernel signals a child when the *thread* that started it ends. So the thread that
starts a server stays with it until it ends, whoever called, an event loop's worker included.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from standalone.embedded_postgres.account import Account
from standalone.embedded_postgres.errors import EmbeddedPostgresError

__all__ = ["ServerProcess", "run_program"]

LAUNCHER = Path(__file__).with_name("launcher.py")
KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZDIR")


def _command(account: Account, death_signal: signal.Signals, program: list[str]) -> list[str]:
    numbers = (os.getpid(), int(death_signal), account.uid, account.gid)
    return [sys.executable, "-I", "-S", str(LAUNCHER), *map(str, numbers), *program]


def _environment() -> dict[str, str]:
    """Without PGDATA, PGPORT and their like, and with messages in English for our own reading."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return {**kept, "LC_ALL": "C"}


def run_program(account: Account, program: list[str], script: str = "") -> None:
    """Run to the end; on failure an EmbeddedPostgresError with the program's last words."""
    result = subprocess.run(  # noqa: S603  our own launcher with our own arguments
        _command(account, signal.SIGKILL, program),
        input=script,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",  # the account may not be able to enter our working directory
        env=_environment(),
        start_new_session=True,
    )
    if result.returncode or "FATAL:" in result.stderr or "ERROR:" in result.stderr:
        raise EmbeddedPostgresError(
            f"{Path(program[0]).name} failed (exit code {result.returncode}): "
            f"{explain(result.stderr + result.stdout)}"
        )


def explain(output: str) -> str:
    """The lines of a PostgreSQL program's output that say why it stopped."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line for word in TELLING)]
    text = "; ".join((telling or lines)[-3:]) or "it said nothing"
    if "No space left on device" in output:
        text += " (the disk is full: make room, or set ATMR_DATA to a folder on another disk)"
    return text


TELLING = ("FATAL:", "PANIC:", "ERROR:", "error:", "HINT:", "cannot open shared object")


class ServerProcess:
    """A `postgres` that runs until it is told to stop, or until this process is gone."""

    def __init__(self, account: Account, program: list[str], log: IO[bytes]) -> None:
        self._command = _command(account, signal.SIGINT, program)
        self._log = log
        self._started = threading.Event()
        self._ended = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._failure: OSError | None = None
        self._callbacks: list[Callable[[], None]] = []
        threading.Thread(target=self._keep, name="embedded-postgres", daemon=True).start()
        self._started.wait()
        if self._failure is not None:
            raise EmbeddedPostgresError(f"PostgreSQL cannot be started: {self._failure}.")

    def _keep(self) -> None:
        try:
            process = subprocess.Popen(  # noqa: S603  our own launcher with our own arguments
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                cwd="/",
                env=_environment(),
                start_new_session=True,  # a terminal's Ctrl-C must not reach it before its clients
            )
        except OSError as error:
            self._failure = error
            self._started.set()
            return
        self._process = process
        self._started.set()
        process.wait()
        self._ended.set()
        for callback in self._callbacks:
            callback()

    @property
    def pid(self) -> int:
        assert self._process is not None  # noqa: S101  set before __init__ returns
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return not self._ended.is_set()

    def when_ended(self, callback: Callable[[], None]) -> None:
        """Have `callback` called from another thread once the server has ended."""
        self._callbacks.append(callback)
        if not self.is_running:
            callback()

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None  # noqa: S101  set before __init__ returns
        self._process.send_signal(number)

    def wait(self, timeout_s: float) -> bool:
        """Whether it has ended within `timeout_s`."""
        return self._ended.wait(timeout_s)
