"""The bus on Apache Kafka.

One idempotent producer, one consumer per group and per tail. Nothing here needs the broker to be
there at the start, and nothing ends because it went away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from atmr_common.bus.delivery import Delivery, DeliveryRules
from atmr_common.bus.kafka_group import KafkaGroup
from atmr_common.bus.kafka_publisher import KafkaPublisher
from atmr_common.bus.kafka_tail import KafkaTail
from atmr_common.bus.lane import no_crash
from atmr_common.bus.metrics import BusMetrics
from atmr_common.bus.tail import Tail
from atmr_common.runtime.clock import Clock, SystemClock

if TYPE_CHECKING:
    from atmr_common.bus.port import Lag, Message, Receiver
    from atmr_common.bus.settings import KafkaSettings

PUBLISH_S = 10.0
BEGIN_S = 5.0


class KafkaBus:
    """Make it within a running event loop, and `aclose` it there."""

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        rules: DeliveryRules | None = None,
        registry: CollectorRegistry | None = None,
        publish_timeout_s: float = PUBLISH_S,
        crash: Callable[[str], None] = no_crash,
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings
        self._rules = rules or DeliveryRules()
        self._metrics = BusMetrics(registry or CollectorRegistry())
        self._clock = clock or SystemClock()
        self._publisher = KafkaPublisher(
            settings, self._metrics, timeout_s=publish_timeout_s, clock=self._clock
        )
        self._crash = crash
        self._groups: dict[str, KafkaGroup] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def publish(self, messages: Sequence[Message]) -> None:
        await self._publisher.publish(messages)

    async def subscribe(self, topics: Sequence[str], group: str, receiver: Receiver) -> None:
        if group in self._groups:
            raise ValueError(f"the group {group!r} subscribes already")
        delivery = Delivery(
            receiver,
            group=group,
            rules=self._rules,
            metrics=self._metrics,
            publish=self._publisher.publish,
            clock=self._clock,
        )
        member = KafkaGroup(self._settings, topics, delivery, crash=self._crash)
        self._groups[group] = member
        self._run(member.run())

    async def tail(self, topics: Sequence[str], receiver: Receiver) -> None:
        tail = KafkaTail(self._settings, topics, Tail(receiver, self._metrics))
        self._run(tail.run())
        with suppress(TimeoutError):
            async with asyncio.timeout(BEGIN_S):
                await tail.begun.wait()

    async def lag(self, group: str) -> Lag:
        return await self._groups[group].lag()

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self._groups.clear()
        await self._publisher.aclose()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))
