"""Publishing to Kafka: an idempotent producer that waits for all replicas, and not for ever.

A batch is packed per partition here and sent with one await; that is several times cheaper than
the producer's own call per message. A producer that failed is thrown away with what it held.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from atmr_common.bus.partitions import partitions_of
from atmr_common.bus.port import (
    BusUnavailableError,
    Message,
    MessageTooLargeError,
    TopicMissingError,
)

if TYPE_CHECKING:
    from atmr_common.bus.metrics import BusMetrics
    from atmr_common.bus.settings import KafkaSettings
    from atmr_common.runtime.clock import Clock

log = structlog.get_logger(__name__)

MAX_MESSAGE = 8_000_000
"""Bytes of one message; topics are made to take them."""
BATCH_BYTES = 900_000
"""Of one request to one partition; brokers take a megabyte unless told otherwise."""
REQUEST_TIMEOUT_MS = 5_000
CLOSE_S = 2.0

Batches = dict[tuple[str, int], list[Any]]


class KafkaPublisher:
    """Makes its producer when it is first needed, and anew after a failure."""

    def __init__(
        self, settings: KafkaSettings, metrics: BusMetrics, *, timeout_s: float, clock: Clock
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._timeout_s = timeout_s
        self._clock = clock
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def publish(self, messages: Sequence[Message]) -> None:
        """As the port has it; after `timeout_s` the messages count as not accepted."""
        _refuse_large(messages)
        if not messages:
            return
        producer: AIOKafkaProducer | None = None
        try:
            async with asyncio.timeout(self._timeout_s):
                producer = await self._started()
                await self._send(producer, messages)
        except TopicMissingError:
            self._metrics.publish_failures.labels("topic_missing").inc()
            raise
        except (KafkaError, OSError) as error:  # TimeoutError is an OSError
            self._metrics.publish_failures.labels("unavailable").inc()
            await self._throw_away(producer)
            raise BusUnavailableError(_sentence(error, self._settings.bootstrap)) from error
        except asyncio.CancelledError:
            await self._throw_away(
                producer
            )  # what was cancelled must not arrive after what follows
            raise

    async def aclose(self) -> None:
        """Nothing is in flight any more: publish waits for its messages."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(CLOSE_S):
                    await producer.stop()
            except (KafkaError, OSError) as error:
                log.warning("the producer was not closed in order", error=str(error))

    async def _send(self, producer: AIOKafkaProducer, messages: Sequence[Message]) -> None:
        now_ms = int(self._clock.now().timestamp() * 1000)
        batches = _packed(producer, await self._by_partition(producer, messages), now_ms)
        wave = 0
        # One batch of a partition after the other: if one fails, none behind it may succeed.
        while any(len(each) > wave for each in batches.values()):
            futures = [
                await producer.send_batch(each[wave], topic, partition=partition)
                for (topic, partition), each in batches.items()
                if len(each) > wave
            ]
            await _all_acknowledged(futures)
            wave += 1
        for (topic, _), each in batches.items():
            self._metrics.published.labels(topic).inc(sum(b.record_count() for b in each))

    async def _by_partition(
        self, producer: AIOKafkaProducer, messages: Sequence[Message]
    ) -> dict[tuple[str, int], list[tuple[bytes, Message]]]:
        by_topic: dict[str, list[Message]] = defaultdict(list)
        for message in messages:
            by_topic[message.topic].append(message)
        placed: dict[tuple[str, int], list[tuple[bytes, Message]]] = defaultdict(list)
        for topic, each in by_topic.items():
            keys = [message.key.encode() for message in each]
            count = await _partition_count(producer, topic)
            for key, partition, message in zip(keys, partitions_of(keys, count), each, strict=True):
                placed[topic, partition].append((key, message))
        return placed

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **self._settings.connection(),
                    client_id="atmr",
                    enable_idempotence=True,
                    acks="all",
                    max_batch_size=BATCH_BYTES,
                    max_request_size=MAX_MESSAGE,
                    request_timeout_ms=REQUEST_TIMEOUT_MS,
                    metadata_max_age_ms=60_000,
                )
                try:
                    await producer.start()
                except BaseException:
                    await _abandon(producer)
                    raise
                self._producer = producer
            return self._producer

    async def _throw_away(self, producer: AIOKafkaProducer | None) -> None:
        """It would try for ever to send what was reported as not accepted."""
        if producer is not None and self._producer is producer:
            self._producer = None
            await _abandon(producer)


def _refuse_large(messages: Sequence[Message]) -> None:
    for message in messages:
        if len(message.value) > MAX_MESSAGE:
            raise MessageTooLargeError(
                f"A message of {message.topic} with the key {message.key!r} has"
                f" {len(message.value)} bytes; at most {MAX_MESSAGE} can be published."
            )


def _packed(
    producer: AIOKafkaProducer,
    placed: dict[tuple[str, int], list[tuple[bytes, Message]]],
    now_ms: int,
) -> Batches:
    batches: Batches = {}
    for place, each in placed.items():
        batch = producer.create_batch()
        batches[place] = [batch]
        for key, message in each:
            headers = [(name, text.encode()) for name, text in message.headers.items()]
            added = batch.append(timestamp=now_ms, key=key, value=message.value, headers=headers)
            if added is None:  # it is full
                batch = producer.create_batch()
                batches[place].append(batch)
                batch.append(timestamp=now_ms, key=key, value=message.value, headers=headers)
    return batches


async def _partition_count(producer: AIOKafkaProducer, topic: str) -> int:
    known = producer.client.cluster.partitions_for_topic(topic)
    if not known:
        cluster = await producer.client.fetch_all_metadata()
        if topic not in cluster.topics():
            raise TopicMissingError(topic)
        known = await producer.partitions_for(topic)
    return len(known)


async def _all_acknowledged(futures: list[asyncio.Future[Any]]) -> None:
    """Waits for all before it raises, so that no error is left unread."""
    answers = await asyncio.gather(*futures, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Close without sending what waits; aiokafka's own `stop` would send it first."""
    # There is no public way to close a producer that does not send first what it holds.
    producer._closed = True  # noqa: SLF001
    with suppress(Exception):
        async with asyncio.timeout(CLOSE_S):
            await producer._sender.close()  # noqa: SLF001
    accumulator = producer._message_accumulator  # noqa: SLF001
    accumulator._exception = error = KafkaError("the producer was closed")  # noqa: SLF001
    queued = [batch for each in accumulator._batches.values() for batch in each]  # noqa: SLF001
    for batch in (*queued, *accumulator._pending_batches):  # noqa: SLF001
        if not batch.future.done():
            batch.future.set_exception(error)
            batch.future.exception()  # read, so that asyncio does not report it as unread
    with suppress(Exception):
        async with asyncio.timeout(CLOSE_S):
            await producer.client.close()


def _sentence(error: BaseException, bootstrap: str) -> str:
    because = str(error) or "no answer in time"
    return f"Kafka at {bootstrap} did not accept the messages ({type(error).__name__}: {because})."
