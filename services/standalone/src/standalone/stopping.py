"""What SIGINT, SIGTERM and SIGHUP do to the one process: the first drains, the second hurries."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

from atmr_common.runtime.service_process import log_stray_error

__all__ = ["Body", "StopRequest", "run_until_stopped"]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 130  # the shell's convention: 128 + SIGINT


class StopRequest:
    """Cancels the work at the first signal; at the second one also what drains."""

    def __init__(self, announce: Callable[[str], None]) -> None:
        self.was_serving = False
        self._announce = announce
        self._asked = 0
        self._hurried: list[Callable[[], None]] = []

    def when_hurried(self, callback: Callable[[], None]) -> None:
        self._hurried.append(callback)

    def ask(self, work: asyncio.Task[None]) -> None:
        """One signal has come."""
        self._asked += 1
        if self._asked == 1:
            self._announce("Stopping (Ctrl-C again to hurry) ...")
            work.cancel()
        elif self._asked == 2:  # noqa: PLR2004  the second
            self._announce("Stopping at once ...")
            for callback in self._hurried:
                callback()
            work.cancel()


Body = Callable[[StopRequest], Coroutine[Any, Any, None]]


def run_until_stopped(body: Body, announce: Callable[[str], None]) -> int:
    """Run `body` to its end or to a signal; the exit code. Its own errors come through."""
    loop = uvloop.new_event_loop()
    try:
        return loop.run_until_complete(_run(body, announce))
    finally:
        _close(loop)


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """As asyncio.run does, but without waiting for threads of the default executor."""
    loop.run_until_complete(_cancel_others())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _run(body: Body, announce: Callable[[str], None]) -> int:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log_stray_error)
    stop = StopRequest(announce)
    work = asyncio.create_task(body(stop))
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.ask, work)
    try:
        await asyncio.wait({work})
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
    if work.cancelled():
        return 0 if stop.was_serving else INTERRUPTED
    work.result()
    return 0
