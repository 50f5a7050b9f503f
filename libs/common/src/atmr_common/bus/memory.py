"""The bus of a single process: nothing survives a restart, and nothing is kept for later.

Durability is the outbox's: what was not published stays there. A group, and a tail, hears what
is published after it came. What waits is bounded: a full bus refuses, and the outbox keeps it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from prometheus_client import CollectorRegistry

from atmr_common.bus.delivery import Delivery, DeliveryRules
from atmr_common.bus.lane import Lane, no_crash
from atmr_common.bus.metrics import BusMetrics
from atmr_common.bus.port import DEAD_LETTER, BusUnavailableError, Lag, Message, Receiver
from atmr_common.bus.tail import Tail
from atmr_common.runtime.clock import Clock, SystemClock

__all__ = ["DEAD_LETTER", "MemoryBus"]

PARTITIONS = 4
CAPACITY = 100_000
FINISH_S = 20.0


@dataclass
class _Group:
    topics: frozenset[str]
    delivery: Delivery
    lanes: dict[tuple[str, int], Lane] = field(default_factory=dict)

    @property
    def backlog(self) -> int:
        return sum(lane.backlog for lane in self.lanes.values())


class MemoryBus:
    """Delivers within the process; each group receives every message, in order per key."""

    def __init__(
        self,
        *,
        rules: DeliveryRules | None = None,
        registry: CollectorRegistry | None = None,
        capacity: int = CAPACITY,
        crash: Callable[[str], None] = no_crash,
        clock: Clock | None = None,
    ) -> None:
        self._rules = rules or DeliveryRules()
        self._metrics = BusMetrics(registry or CollectorRegistry())
        self._capacity = capacity
        self._crash = crash
        self._clock = clock or SystemClock()
        self._groups: dict[str, _Group] = {}
        self._tails: list[tuple[frozenset[str], Lane]] = []
        self._offsets: Counter[tuple[str, int]] = Counter()

    async def publish(self, messages: Sequence[Message]) -> None:
        self._refuse_when_full()
        for message in messages:
            placed = self._placed(message)
            for group in self._groups.values():
                if placed.topic in group.topics:
                    self._lane(group, placed).put([placed])
            for topics, lane in self._tails:
                if placed.topic in topics:
                    lane.put([placed])
            self._metrics.published.labels(placed.topic).inc()

    async def subscribe(self, topics: Sequence[str], group: str, receiver: Receiver) -> None:
        if group in self._groups:
            raise ValueError(f"the group {group!r} subscribes already")
        delivery = Delivery(
            receiver,
            group=group,
            rules=self._rules,
            metrics=self._metrics,
            publish=self.publish,
            clock=self._clock,
        )
        self._groups[group] = _Group(frozenset(topics), delivery)

    async def tail(self, topics: Sequence[str], receiver: Receiver) -> None:
        delivery = Tail(receiver, self._metrics)
        lane = Lane(delivery)
        self._tails.append((frozenset(topics), lane))

    async def lag(self, group: str) -> Lag:
        return {place: lane.backlog for place, lane in self._groups[group].lanes.items()}

    async def aclose(self) -> None:
        await asyncio.gather(*(lane.finish(FINISH_S) for lane in self._lanes()))
        self._groups.clear()
        self._tails.clear()

    def _lanes(self) -> list[Lane]:
        of_groups = [lane for group in self._groups.values() for lane in group.lanes.values()]
        return of_groups + [lane for _, lane in self._tails]

    def _refuse_when_full(self) -> None:
        waiting = {name: group.backlog for name, group in self._groups.items()}
        waiting |= {f"tail {number}": lane.backlog for number, (_, lane) in enumerate(self._tails)}
        for name, backlog in waiting.items():
            if backlog >= self._capacity:
                self._metrics.publish_failures.labels("unavailable").inc()
                raise BusUnavailableError(f"{backlog} messages wait for {name!r}: publish later.")

    def _placed(self, message: Message) -> Message:
        partition = crc32(message.key.encode()) % PARTITIONS
        place = (message.topic, partition)
        self._offsets[place] += 1
        return message._replace(
            partition=partition,
            offset=self._offsets[place] - 1,
            accepted_at_ms=int(self._clock.now().timestamp() * 1000),
        )

    def _lane(self, group: _Group, message: Message) -> Lane:
        place = (message.topic, message.partition or 0)
        lane = group.lanes.get(place)
        if lane is None:
            lane = Lane(group.delivery, crash=self._crash)
            group.lanes[place] = lane
        return lane
