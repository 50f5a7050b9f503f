"""The bus under topics of one run's own, so that many runs share one broker."""

from __future__ import annotations

from collections.abc import Sequence

from atmr_common.bus.port import Bus, Lag, Message, Receiver


class PrefixedBus:
    """Puts `prefix` before every topic."""

    def __init__(self, bus: Bus, prefix: str) -> None:
        self._bus = bus
        self._prefix = prefix

    async def publish(self, messages: Sequence[Message]) -> None:
        await self._bus.publish(
            [each._replace(topic=self._prefix + each.topic) for each in messages]
        )

    async def subscribe(self, topics: Sequence[str], group: str, receiver: Receiver) -> None:
        await self._bus.subscribe([self._prefix + topic for topic in topics], group, receiver)

    async def tail(self, topics: Sequence[str], receiver: Receiver) -> None:
        await self._bus.tail([self._prefix + topic for topic in topics], receiver)

    async def lag(self, group: str) -> Lag:
        return await self._bus.lag(group)

    async def aclose(self) -> None:
        await self._bus.aclose()
