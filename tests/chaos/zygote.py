"""A process that has imported the services, and forks them when it is told to.

Orders come as JSON lines on stdin; pids and exit codes go out as JSON lines on stdout.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
from typing import Any, NoReturn

from chaos.parent import die_with_parent

MODULES = ("chaos.api_process", "chaos.consumer_process")


def main() -> None:
    die_with_parent()
    for module in MODULES:
        importlib.import_module(module)
    children: dict[int, int] = {}
    awake, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    rest = b""
    while True:
        readable, _, _ = select.select([0, awake], [], [])
        if awake in readable:
            os.read(awake, 4096)
            _reap(children)
        if 0 in readable:
            read = os.read(0, 65_536)
            if not read:
                return
            *lines, rest = (rest + read).split(b"\n")
            for line in lines:
                _fork(json.loads(line), children)


def _fork(order: dict[str, Any], children: dict[int, int]) -> None:
    pid = os.fork()
    if pid == 0:
        _become(order)
    children[pid] = order["number"]
    _tell({"number": order["number"], "pid": pid})


def _become(order: dict[str, Any]) -> NoReturn:
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        die_with_parent()
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for stream in (1, 2):
            os.dup2(log, stream)
        os.environ.clear()
        os.environ.update(order["environment"])
        importlib.import_module(order["module"]).main()
        code = 0
    finally:
        os._exit(code)


def _reap(children: dict[int, int]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        _tell({"number": children.pop(pid), "code": os.waitstatus_to_exitcode(status)})


def _tell(what: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
