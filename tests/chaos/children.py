"""Processes of the mesh: started, killed, and started again at once by a supervisor.

Two ways to start one: as anybody would, or forked from a process that has imported everything,
which spares two seconds and is for runs where the time of a start is not the matter.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

TESTS = Path(__file__).parents[1]
POINT = re.compile(r'"point": ?"([a-z_.]+)"')
BACK_OFF_S = 0.05


class Started(Protocol):
    """A process that was started."""

    pid: int

    async def wait(self) -> int:
        """Its exit code, negative for a signal."""
        ...


class Launcher(Protocol):
    """A way to start `module`'s `main()` in a process of its own."""

    async def start(self, module: str, environment: dict[str, str], log: Path) -> Started: ...


class Plain:
    """`python -m module`."""

    async def start(self, module: str, environment: dict[str, str], log: Path) -> Started:
        with log.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", module, env=environment, stdout=output, stderr=output
            )


class Zygote:
    """Forks from `chaos.zygote`; `async with` it."""

    def __init__(self) -> None:
        self._asked: dict[int, asyncio.Future[int]] = {}
        self._ended: dict[int, asyncio.Future[int]] = {}
        self._number = 0
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "chaos.zygote",
            env=os.environ | {"PYTHONPATH": str(TESTS)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listening is not None:
            self._listening.cancel()
        if self._process is not None:
            self._process.kill()
            await self._process.wait()

    async def start(self, module: str, environment: dict[str, str], log: Path) -> Started:
        if self._process is None or self._process.stdin is None:
            raise RuntimeError("the zygote was not started")
        self._number += 1
        loop = asyncio.get_running_loop()
        asked = self._asked[self._number] = loop.create_future()
        ended = self._ended[self._number] = loop.create_future()
        order = {"number": self._number, "module": module, "log": str(log)}
        line = json.dumps(order | {"environment": environment})
        self._process.stdin.write(f"{line}\n".encode())
        return Forked(await asked, ended)

    async def _listen(self) -> None:
        if self._process is None or self._process.stdout is None:
            return
        async for line in self._process.stdout:
            told = json.loads(line)
            waiting = self._asked if "pid" in told else self._ended
            future = waiting.pop(told["number"])
            if not future.done():
                future.set_result(told.get("pid", told.get("code")))


@dataclass
class Forked:
    """A child of the zygote."""

    pid: int
    ended: asyncio.Future[int]

    async def wait(self) -> int:
        return await asyncio.shield(self.ended)


@dataclass
class End:
    """How one life of a process ended."""

    name: str
    at: float
    how: str
    """`killed`, the name of a crash point, or `exit CODE`."""


@dataclass
class Supervised:
    """One process by name, started again at once when it ends; `environment` of life 0, 1, 2 ..."""

    name: str
    module: str
    launcher: Launcher
    environment: Callable[[int], dict[str, str]]
    folder: Path
    ends: list[End] = field(default_factory=list)
    lives: int = 0
    pid: int | None = None
    _running: asyncio.Task[None] | None = None
    _killed: bool = False

    def begin(self) -> None:
        self._running = asyncio.create_task(self._run())

    def kill(self) -> None:
        """SIGKILL from outside."""
        if self.pid is not None:
            self._killed = True
            os.kill(self.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """For good, with SIGKILL."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None

    async def _run(self) -> None:
        while True:
            log = self.folder / f"{self.name}.log"
            written = log.stat().st_size if log.exists() else 0
            environment = os.environ | self.environment(self.lives)
            self.lives += 1
            self._killed = False
            process = await self.launcher.start(self.module, environment, log)
            self.pid = process.pid
            try:
                code = await process.wait()
            except asyncio.CancelledError:
                os.kill(process.pid, signal.SIGKILL)
                await process.wait()
                raise
            finally:
                self.pid = None
            self.ends.append(End(self.name, time.monotonic(), self._how(code, log, written)))
            await asyncio.sleep(BACK_OFF_S)

    def _how(self, code: int, log: Path, written: int) -> str:
        if code != -signal.SIGKILL:
            return f"exit {code}"
        with log.open("rb") as lines:
            lines.seek(written)
            text = lines.read().decode(errors="replace")
        reached = [line for line in text.splitlines() if "crash point reached" in line]
        found = POINT.search(reached[-1]) if reached else None
        if found:
            return found[1]
        return "killed" if self._killed else "SIGKILL of unknown origin"


def crash_hits(ends: list[End]) -> dict[str, int]:
    """How often each crash point ended a process."""
    hits: dict[str, int] = {}
    for end in ends:
        if "." in end.how:
            hits[end.how] = hits.get(end.how, 0) + 1
    return hits


def by_themselves(ends: list[End]) -> list[str]:
    """Ends that nobody asked for."""
    return [f"{end.name}: {end.how}" for end in ends if end.how != "killed" and "." not in end.how]


def summary(ends: list[End]) -> dict[str, Any]:
    killed = [end for end in ends if end.how == "killed"]
    return {"killed": len(killed), "crash_points": crash_hits(ends), "others": by_themselves(ends)}
