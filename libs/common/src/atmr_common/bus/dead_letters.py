"""The dead letters of a topic: read them, and publish them again where they came from.

What was replayed is remembered as the committed offsets of a group, so each goes back once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition
from prometheus_client import CollectorRegistry

from atmr_common.bus.delivery import FAILURE_HEADERS
from atmr_common.bus.kafka_publisher import KafkaPublisher
from atmr_common.bus.kafka_records import CONSUMER, message_of
from atmr_common.bus.metrics import BusMetrics
from atmr_common.bus.port import DEAD_LETTER, Message, TopicMissingError
from atmr_common.bus.topics import topic_administration
from atmr_common.runtime.clock import SystemClock

if TYPE_CHECKING:
    from atmr_common.bus.settings import KafkaSettings

REPLAY_GROUP = "atmr-dead-letter-replay"
REPLAYED_FROM = "replayed-from"
"""Header of a message that was a dead letter: partition/offset there."""
CHUNK = 500
POLL_MS = 500


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter, and whether it went back already."""

    message: Message
    replayed: bool

    @property
    def id(self) -> str:
        """Of the event; empty where the message had none."""
        return self.message.headers.get("ce_id", "")


class DeadLetters:
    """Those of one topic, on one cluster; see `dead_letters`."""

    def __init__(
        self, topic: str, consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]
    ) -> None:
        self._topic = topic
        self._consumer = consumer
        self._ends = ends

    async def stored(self) -> AsyncIterator[Letter]:
        """All that the broker keeps, in order within a partition."""
        done = {place: await self._consumer.committed(place) or 0 for place in self._ends}
        await self._consumer.seek_to_beginning(*self._ends)
        while messages := await self._chunk(CHUNK):
            for message in messages:
                place = TopicPartition(message.topic, message.partition)
                yield Letter(message, (message.offset or 0) < done[place])

    async def waiting(self) -> int:
        """How many were not replayed yet, at most: the broker counts what it deleted too."""
        positions = [await self._consumer.position(place) for place in self._ends]
        total: int = sum(self._ends.values()) - sum(positions)
        return total

    async def replay(
        self, publisher: KafkaPublisher, *, limit: int | None, progress: Callable[[int], None]
    ) -> int:
        """Publish what was not replayed yet, in order; returns how many.

        The offsets follow each chunk's acknowledgement: what is interrupted in between goes back
        a second time, and the receivers' inboxes notice.
        """
        sent = 0
        while limit is None or sent < limit:
            messages = await self._chunk(CHUNK if limit is None else min(CHUNK, limit - sent))
            if not messages:
                break
            await publisher.publish([self._original(each) for each in messages])
            last = messages[-1]
            place = TopicPartition(last.topic, last.partition)
            await self._consumer.commit({place: (last.offset or 0) + 1})
            sent += len(messages)
            progress(len(messages))
        return sent

    async def replay_events(self, publisher: KafkaPublisher, identifiers: set[str]) -> int:
        """Publish these events again, replayed before or not; the group's offsets stay."""
        sent = 0
        async for letter in self.stored():
            if letter.id in identifiers:
                await publisher.publish([self._original(letter.message)])
                sent += 1
        return sent

    async def _chunk(self, size: int) -> list[Message]:
        """The next of one partition; none after the last that was there at the start."""
        for place, end in self._ends.items():
            while await self._consumer.position(place) < end:
                fetched = await self._consumer.getmany(place, timeout_ms=POLL_MS, max_records=size)
                if fetched:
                    return [message_of(record) for record in fetched[place]]
        return []

    def _original(self, letter: Message) -> Message:
        headers = {
            name: text for name, text in letter.headers.items() if name not in FAILURE_HEADERS
        }
        headers[REPLAYED_FROM] = f"{letter.partition}/{letter.offset}"
        return letter._replace(topic=self._topic, headers=headers)


@asynccontextmanager
async def dead_letters(settings: KafkaSettings, topic: str) -> AsyncIterator[DeadLetters]:
    """The dead letters of `topic` (its name, or that of its dead letters) within the block.

    Raises:
        TopicMissingError: when there is no such dead-letter topic.
        KafkaError: when no broker answers.

    """
    topic = topic.removesuffix(DEAD_LETTER)
    letters = topic + DEAD_LETTER
    async with topic_administration(settings) as administration:
        there = (await administration.found([letters])).get(letters)
    if there is None:
        raise TopicMissingError(letters)
    consumer = AIOKafkaConsumer(
        **settings.connection(), **CONSUMER, group_id=REPLAY_GROUP, auto_offset_reset="earliest"
    )
    places = [TopicPartition(letters, number) for number in range(there.partitions)]
    consumer.assign(places)
    try:
        await consumer.start()
        yield DeadLetters(topic, consumer, await consumer.end_offsets(places))
    finally:
        await consumer.stop()


@asynccontextmanager
async def replay_publisher(settings: KafkaSettings) -> AsyncIterator[KafkaPublisher]:
    """Publishes within the block."""
    metrics = BusMetrics(CollectorRegistry())
    publisher = KafkaPublisher(settings, metrics, timeout_s=30.0, clock=SystemClock())
    try:
        yield publisher
    finally:
        await publisher.aclose()
