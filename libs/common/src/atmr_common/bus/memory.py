"""The bus of a single process: one queue per subscribing group, nothing survives a restart.

Durability is the outbox's: what was not published stays there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import structlog

from atmr_common.bus.port import Message, Receiver

log = structlog.get_logger(__name__)

DEAD_LETTER = ".dead-letter"


@dataclass
class _Subscription:
    topics: frozenset[str]
    receiver: Receiver
    queue: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)


class MemoryBus:
    """Delivers within the process; each group receives every message once, in order."""

    def __init__(self, *, retries: int = 3, backoff_s: float = 0.05) -> None:
        self._retries = retries
        self._backoff_s = backoff_s
        self._groups: dict[str, _Subscription] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def publish(self, messages: Sequence[Message]) -> None:
        for message in messages:
            for subscription in self._groups.values():
                if message.topic in subscription.topics:
                    subscription.queue.put_nowait(message)

    async def subscribe(self, topics: Sequence[str], group: str, receiver: Receiver) -> None:
        if group in self._groups:
            raise ValueError(f"the group {group!r} subscribes already")
        subscription = _Subscription(frozenset(topics), receiver)
        self._groups[group] = subscription
        self._tasks.append(asyncio.create_task(self._deliver(subscription)))

    async def settled(self) -> None:
        """Wait until every message published so far was received or dead-lettered."""
        for subscription in list(self._groups.values()):
            await subscription.queue.join()

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self._groups.clear()

    async def _deliver(self, subscription: _Subscription) -> None:
        while True:
            message = await subscription.queue.get()
            try:
                await self._receive(subscription.receiver, message)
            finally:
                subscription.queue.task_done()

    async def _receive(self, receiver: Receiver, message: Message) -> None:
        for attempt in range(self._retries + 1):
            try:
                await receiver(message)
            except Exception as error:  # noqa: BLE001 (whatever a receiver raises is retried, then dead-lettered)
                if attempt == self._retries:
                    await self._dead_letter(message, error)
                else:
                    await asyncio.sleep(self._backoff_s * 2**attempt)
            else:
                return

    async def _dead_letter(self, message: Message, error: Exception) -> None:
        log.error("dead letter", topic=message.topic, key=message.key, exc_info=error)
        reason = f"{type(error).__name__}: {error}"
        dead = replace(
            message,
            topic=message.topic + DEAD_LETTER,
            headers={**message.headers, "error": reason, "original-topic": message.topic},
        )
        await self.publish([dead])
