"""A consumer without a group: hears everything from now on, and forgets it.

Within the process it knows where it was, so a broker that went away and came back costs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from atmr_common.bus.kafka_records import CONSUMER, TROUBLE, message_of, sentence_of

if TYPE_CHECKING:
    from atmr_common.bus.settings import KafkaSettings
    from atmr_common.bus.tail import Tail

log = structlog.get_logger(__name__)

POLL_MS = 250
RECORDS = 500
RETRY_S = 1.0
CLOSE_S = 5.0


class KafkaTail:
    """Runs until cancelled; `begun` is set at the end of its first attempt, good or bad."""

    def __init__(self, settings: KafkaSettings, topics: Sequence[str], tail: Tail) -> None:
        self._settings = settings
        self._topics = topics
        self._tail = tail
        self._positions: dict[TopicPartition, int] = {}
        self._never = asyncio.Event()
        self.begun = asyncio.Event()

    async def run(self) -> None:
        """Consume; after a failure of the consumer, with a new one from where it was."""
        while True:
            try:
                await self._consume()
            except TROUBLE as error:
                log.warning("a tail waits for Kafka", error=sentence_of(error, self._topics))
            except Exception:  # a tail outlives whatever went wrong
                log.exception("a tail begins again", topics=self._topics)
            self.begun.set()
            await asyncio.sleep(RETRY_S)

    async def _consume(self) -> None:
        consumer = AIOKafkaConsumer(
            *self._topics,
            **self._settings.connection(),
            **CONSUMER,
            group_id=None,
            auto_offset_reset="latest",
        )
        try:
            await consumer.start()
            await self._find_places(consumer)
            self.begun.set()
            while True:
                fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=RECORDS)
                for place, records in fetched.items():
                    for record in records:
                        await self._tail.deliver(message_of(record), self._never)
                        self._positions[place] = record.offset + 1
        finally:
            await self._close(consumer)

    async def _find_places(self, consumer: AIOKafkaConsumer) -> None:
        """Continue where this process was; a partition that it does not know, at its end."""
        places = consumer.assignment()
        ends = await consumer.end_offsets(list(places))
        for place in places:
            position = self._positions.setdefault(place, ends[place])
            consumer.seek(place, position)

    async def _close(self, consumer: AIOKafkaConsumer) -> None:
        try:
            async with asyncio.timeout(CLOSE_S):
                await consumer.stop()
        except TROUBLE as error:
            log.warning("a tail was not closed in order", error=str(error))
