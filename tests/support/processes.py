"""Starts Python programs for tests of signals and accounts, and ends them whatever happens."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

PATIENCE_S = 30.0
# Enter and read everything, so that the interpreter is found, and nothing more: no writing.
ORDINARY = ("--reuid=nobody", "--regid=nogroup", "--clear-groups")
ONLY_READING = tuple(f"--{kind}=-all,+dac_read_search" for kind in ("inh-caps", "ambient-caps"))


def as_ordinary_user() -> tuple[list[str], str]:
    """A command's prefix that makes it run without root's rights, and that user's name."""
    if os.geteuid() != 0:
        return [], ""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is not here, so root cannot try an ordinary user")
    return ["setpriv", *ORDINARY, *ONLY_READING, "--bounding-set=-all,+dac_read_search"], "nobody"


@contextmanager
def python_program(
    code: str, *arguments: object, prefix: tuple[str, ...] = (), **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """`python -c code arguments`, in a session of its own, with its output readable by lines."""
    process = subprocess.Popen(
        [*prefix, sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **environment},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until_gone(pid: int) -> None:
    """Returns when the process is gone; fails the test when it stays."""
    try:
        psutil.Process(pid).wait(PATIENCE_S)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired:
        pytest.fail(f"process {pid} is still there")


def servers_in(cluster: Path) -> list[int]:
    """The PostgreSQL processes that work in `cluster`."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name().startswith("postgres") and Path(process.cwd()) == cluster:
                found.append(process.pid)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found
