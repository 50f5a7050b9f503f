"""One partition's messages on their way to the receiver: one after the other, in order.

Every partition has a lane of its own, so a slow or waiting one holds up no other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from atmr_common.bus.port import Message


class Delivers(Protocol):
    """Hands one message over."""

    async def deliver(self, message: Message, stopping: asyncio.Event) -> bool:
        """True when the message is done with; False when it was given up, to come again."""


def no_crash(point: str) -> None:
    """Nothing happens at any point; the chaos tests put something else here."""
    del point


def nothing() -> None:
    """Nobody wants to know."""


class Lane:
    """Delivers what is put into it; `handled` is the offset after the last finished message."""

    def __init__(
        self,
        delivery: Delivers,
        *,
        crash: Callable[[str], None] = no_crash,
        progressed: Callable[[], None] = nothing,
    ) -> None:
        self._delivery = delivery
        self._progressed = progressed
        self._crash = crash
        self._waiting: deque[Message] = deque()
        self._filled = asyncio.Event()
        self._stopping = asyncio.Event()
        self._receiving = False
        self.handled: int | None = None
        self.task = asyncio.create_task(self._run())

    @property
    def backlog(self) -> int:
        """Messages put in and not finished."""
        return len(self._waiting) + self._receiving

    def put(self, messages: Iterable[Message]) -> None:
        self._waiting.extend(messages)
        self._filled.set()

    async def finish(self, grace_s: float) -> None:
        """End after the message that is being received; after `grace_s` it is interrupted."""
        self._stopping.set()
        self._filled.set()
        await asyncio.wait({self.task}, timeout=grace_s)
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            if not self._waiting:
                self._filled.clear()
                await self._filled.wait()
                continue
            message = self._waiting.popleft()
            self._receiving = True
            try:
                if not await self._delivery.deliver(message, self._stopping):
                    return
            finally:
                self._receiving = False
            self._crash("consumer.handled")
            self.handled = (message.offset or 0) + 1
            self._progressed()
