"""How a tail hands messages over: each once, whatever comes of it.

Nobody waits for a nudge or a live view, so an error is counted and the next message follows.
"""

from __future__ import annotations

import asyncio

import structlog

from atmr_common.bus.metrics import BusMetrics
from atmr_common.bus.port import Message, Receiver

log = structlog.get_logger(__name__)

GROUP = "(tail)"
"""The label of tails in metrics."""


class Tail:
    """Hands messages to a receiver without a group."""

    def __init__(self, receiver: Receiver, metrics: BusMetrics) -> None:
        self._receiver = receiver
        self._metrics = metrics

    async def deliver(self, message: Message, stopping: asyncio.Event) -> bool:
        """Once; always True."""
        del stopping
        try:
            await self._receiver(message)
        except Exception:  # whatever it was, a tail repeats nothing
            self._metrics.failures.labels(message.topic, GROUP, "error").inc()
            log.exception("a tail's receiver failed", topic=message.topic, key=message.key)
        else:
            self._metrics.received.labels(message.topic, GROUP).inc()
        return True
