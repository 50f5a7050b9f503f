"""Starts the parts of a process in order, and stops them in the opposite order within a deadline.

A part that does not stop in time is named in the log and left behind, so that the parts below it
(the bus, the database) are still closed properly.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

log = structlog.get_logger(__name__)

Resource = TypeVar("Resource")

CLOSING_S = 1.0
"""What each remaining part still gets after the deadline: enough to close a connection."""


def _nothing() -> None:
    return


async def _at_once() -> None:
    return


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something of a process that must be started and stopped.

    `hurry` is called when waiting for `stop` has no more sense, to cut what it waits for; `ended`,
    where a part has it, returns or raises when the part ends by itself.
    """

    name: str
    stop: Callable[[], Awaitable[None]]
    start: Callable[[], Awaitable[None]] = _at_once
    drain_s: float = 10.0
    hurry: Callable[[], None] = _nothing
    ended: Callable[[], Awaitable[None]] | None = None


class Lifecycle:
    """The parts of one process, in the order in which they were started.

    The deadline counts from the beginning of the stop, the delay for endpoints included.
    """

    def __init__(self, *, deadline_s: float = 20.0, delay_s: float = 0.0) -> None:
        self._deadline_s = deadline_s
        self._delay_s = delay_s
        self._parts: list[Part] = []
        self._hurried = asyncio.Event()
        self.draining = False
        self.left_behind: list[str] = []

    async def start(self, part: Part) -> None:
        """Start `part`; from now on it is stopped with the others."""
        began = time.perf_counter()
        await part.start()
        self._parts.append(part)
        log.info("part started", part=part.name, seconds=_since(began))

    async def enter(
        self, name: str, context: AbstractAsyncContextManager[Resource], *, drain_s: float = 10.0
    ) -> Resource:
        """Enter `context` as a part, and hand over what it yields."""
        entered: list[Resource] = []

        async def start() -> None:
            entered.append(await context.__aenter__())

        async def stop() -> None:
            await context.__aexit__(None, None, None)

        await self.start(Part(name=name, start=start, stop=stop, drain_s=drain_s))
        return entered[0]

    async def readiness(self) -> str | None:
        """A readiness check: traffic is to go elsewhere as soon as the process begins to stop."""
        return "the process is stopping" if self.draining else None

    def begin_draining(self) -> None:
        """Refuse readiness from now on."""
        self.draining = True

    def hurry(self) -> None:
        """Wait for nothing any more: what still drains is cut."""
        self._hurried.set()

    async def a_part_ended(self) -> str:
        """Wait until a part ends by itself; its name. What it raised is raised."""
        waiting = {
            asyncio.ensure_future(_result_of(part.ended)): part.name
            for part in self._parts
            if part.ended is not None
        }
        if not waiting:
            await asyncio.Future()
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            first = done.pop()
            first.result()
            return waiting[first]
        finally:
            for task in waiting:
                task.cancel()

    async def stop(self) -> None:
        """Stop every part, the last one first, within the deadline."""
        self.begin_draining()
        deadline = time.perf_counter() + self._deadline_s
        if self._parts and self._delay_s:
            log.info("draining: readiness is refused", seconds=self._delay_s)
            await self._wait_for(asyncio.ensure_future(asyncio.sleep(self._delay_s)), self._delay_s)
        while self._parts:
            part = self._parts.pop()
            left_s = deadline - time.perf_counter()
            await self._stop(part, max(min(part.drain_s, left_s), CLOSING_S))

    async def _stop(self, part: Part, limit_s: float) -> None:
        began = time.perf_counter()
        stopping = asyncio.ensure_future(_result_of(part.stop))
        if not await self._wait_for(stopping, limit_s):
            part.hurry()
            await asyncio.wait({stopping}, timeout=CLOSING_S)
        if not stopping.done():
            stopping.cancel()
            await asyncio.wait({stopping}, timeout=CLOSING_S / 10)
            self.left_behind.append(part.name)
            log.error("part did not stop", part=part.name, seconds=_since(began))
        elif not stopping.cancelled() and stopping.exception() is not None:
            log.error("part failed to stop", part=part.name, exc_info=stopping.exception())
        else:
            log.info("part stopped", part=part.name, seconds=_since(began))

    async def _wait_for(self, task: asyncio.Task[None], limit_s: float) -> bool:
        """Whether `task` ended within the limit and before anybody hurried."""
        hurried = asyncio.ensure_future(self._hurried.wait())
        try:
            await asyncio.wait(
                {task, hurried}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            hurried.cancel()
        return task.done()


@asynccontextmanager
async def running(parts: Iterable[Part], *, deadline_s: float = 20.0) -> AsyncIterator[Lifecycle]:
    """The parts, started in their order and stopped in the opposite one at the block's end."""
    lifecycle = Lifecycle(deadline_s=deadline_s)
    try:
        for part in parts:
            await lifecycle.start(part)
        yield lifecycle
    finally:
        await lifecycle.stop()


def lifespan_of(
    parts: Callable[[], Iterable[Part]], *, deadline_s: float
) -> Callable[[object], AbstractAsyncContextManager[None]]:
    """The lifespan of an application, which runs these parts beside it."""

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        async with running(parts(), deadline_s=deadline_s):
            yield

    return lifespan


def task_part(
    name: str,
    work: Callable[[], Coroutine[Any, Any, None]],
    *,
    flush: Callable[[], Awaitable[None]] = _at_once,
    drain_s: float = 10.0,
) -> Part:
    """A part that is a task: it works until it is cancelled, and then `flush` finishes."""
    tasks: list[asyncio.Task[None]] = []

    async def start() -> None:
        tasks.append(asyncio.create_task(work(), name=name))

    async def stop() -> None:
        tasks[0].cancel()
        outcome = await asyncio.gather(tasks[0], return_exceptions=True)
        await flush()
        if isinstance(outcome[0], Exception):
            raise outcome[0]

    async def ended() -> None:
        await asyncio.shield(tasks[0])

    return Part(name=name, start=start, stop=stop, drain_s=drain_s, ended=ended)


async def stop_in_time(
    name: str, stop: Callable[[], Awaitable[None]], limit_s: float = 5.0
) -> None:
    """For what a context closes at its end: logged, and left behind when it does not end."""
    await Lifecycle()._stop(Part(name=name, stop=stop), limit_s)  # noqa: SLF001 (one module)


async def _result_of(act: Callable[[], Awaitable[None]]) -> None:
    await act()


def _since(began: float) -> float:
    return round(time.perf_counter() - began, 3)
