"""Compiles the planner in a process of its own while everything else starts.

On a machine's first run that takes half a minute of one core; later it costs a look at the disk.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

__all__ = ["Warming", "start_warming", "warming"]

COMPILE = "from atmr_engine.warmup import warmup; warmup()"


def start_warming() -> subprocess.Popen[bytes]:
    """Begin at once: our own imports take their time meanwhile."""
    return subprocess.Popen(  # noqa: S603 (our own interpreter and our own code)
        [sys.executable, "-c", COMPILE], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )


class Warming:
    """The compiling process; `done()` waits for it."""

    def __init__(self, process: subprocess.Popen[bytes], announce: Callable[[str], None]) -> None:
        self._process = process
        self._announce = announce

    async def done(self) -> None:
        if self._process.poll() is None:
            self._announce("Compiling the planner (half a minute, only on the first run) ...")
        code = await asyncio.to_thread(self._process.wait)
        if code:
            self._announce(f"Compiling ahead failed (exit code {code}): the first plan is slower.")


@asynccontextmanager
async def warming(
    process: subprocess.Popen[bytes], announce: Callable[[str], None]
) -> AsyncIterator[Warming]:
    """Ends the process with the block, whatever it has done."""
    try:
        yield Warming(process, announce)
    finally:
        process.kill()
        process.wait()
