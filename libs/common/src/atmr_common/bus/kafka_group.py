"""One member of a consumer group: fetches, fills a lane per partition, commits what is handled.

Before a partition goes to another member, its message in work is finished and committed. An
offset follows its message within a moment, so a crash repeats little, and loses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from atmr_common.bus.delivery import Delivery
from atmr_common.bus.kafka_records import CONSUMER, TROUBLE, message_of, sentence_of
from atmr_common.bus.lane import Lane
from atmr_common.bus.port import BusUnavailableError, Lag

if TYPE_CHECKING:
    from atmr_common.bus.settings import KafkaSettings

log = structlog.get_logger(__name__)

POLL_MS = 250
FULL_POLL_MS = 20
"""While a lane is full: how soon it is seen that it has room again."""
RECORDS = 500
"""Taken over at once."""
BUFFER = 1_000
"""Messages of a partition that wait here, before no more are taken."""
NOWHERE = TopicPartition("", 0)
SESSION_MS = 6_000
"""After so long without a sign of life, a member's partitions go to others."""
HEARTBEAT_MS = 1_000
REBALANCE_MS = 30_000
FINISH_S = 20.0
"""For the messages in work when partitions are taken away; well within the rebalance."""
COMMIT_S = 5.0
COMMIT_PAUSE_S = 0.05
RETRY_S = 1.0
MEASURE_S = 5.0


class KafkaGroup(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka's class is untyped
    """Runs until cancelled; whatever happens to the broker, it comes back."""

    def __init__(
        self,
        settings: KafkaSettings,
        topics: Sequence[str],
        delivery: Delivery,
        *,
        crash: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._delivery = delivery
        self._crash = crash
        self._lanes: dict[TopicPartition, Lane] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._progress = asyncio.Event()
        self._consumer: AIOKafkaConsumer | None = None

    async def run(self) -> None:
        """Consume; after a failure of the consumer, with a new one."""
        while True:
            try:
                await self._consume()
            except TROUBLE as error:
                log.warning(
                    "the group waits for Kafka",
                    group=self._delivery.group,
                    error=sentence_of(error, self._topics),
                )
            except Exception:  # a member outlives whatever went wrong; offsets say where it was
                log.exception("the group begins again", group=self._delivery.group)
            await asyncio.sleep(RETRY_S)

    async def lag(self) -> Lag:
        """Messages after the last handled one, by partition of this member."""
        consumer = self._consumer
        if consumer is None:
            raise BusUnavailableError(f"Kafka at {self._settings.bootstrap} does not answer.")
        try:
            async with asyncio.timeout(COMMIT_S):
                return await self._measure(consumer)
        except TROUBLE as error:
            raise BusUnavailableError(sentence_of(error, self._topics)) from error

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Called by the consumer: a lane for each."""
        for place in assigned:
            self._lanes[place] = Lane(
                self._delivery, progressed=self._progress.set, crash=self._crash
            )

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Called by the consumer before others get them: finish, commit, forget."""
        await self._release([place for place in revoked if place in self._lanes])

    async def _consume(self) -> None:
        consumer = AIOKafkaConsumer(
            **self._settings.connection(),
            **CONSUMER,
            group_id=self._delivery.group,
            auto_offset_reset="earliest",
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            rebalance_timeout_ms=REBALANCE_MS,
        )
        consumer.subscribe(self._topics, listener=self)
        beside: list[asyncio.Task[None]] = []
        try:
            self._consumer = consumer
            await consumer.start()
            beside += [
                asyncio.create_task(self._commit_always(consumer)),
                asyncio.create_task(self._measure_always(consumer)),
            ]
            while True:
                await self._fetch(consumer, beside)
        finally:
            await self._leave(consumer, beside)

    async def _fetch(self, consumer: AIOKafkaConsumer, beside: list[asyncio.Task[None]]) -> None:
        """Take over what lanes have room for; the rest stays with the consumer, which is bounded.

        It is asked also when no lane has room: a consumer that is not asked leaves its group.
        """
        room = [place for place, lane in self._lanes.items() if lane.backlog < BUFFER]
        full = len(room) < len(self._lanes)
        fetched = await consumer.getmany(
            *(room or [NOWHERE]), timeout_ms=FULL_POLL_MS if full else POLL_MS, max_records=RECORDS
        )
        for place, records in fetched.items():
            lane = self._lanes.get(place)
            if lane is not None:  # else taken away in the meantime
                lane.put(message_of(record) for record in records)
        for task in (*beside, *(lane.task for lane in self._lanes.values())):
            if task.done():
                task.result()
                raise RuntimeError("a part of the consumer ended by itself")

    async def _leave(self, consumer: AIOKafkaConsumer, beside: list[asyncio.Task[None]]) -> None:
        await self._release(list(self._lanes))
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        self._consumer = None
        try:
            async with asyncio.timeout(COMMIT_S):
                await consumer.stop()
        except TROUBLE as error:
            log.warning("the consumer was not closed in order", error=str(error))

    async def _release(self, places: list[TopicPartition]) -> None:
        """Finish the messages in work, commit, forget the partitions."""
        lanes = {place: self._lanes.pop(place) for place in places}
        await asyncio.gather(*(lane.finish(FINISH_S) for lane in lanes.values()))
        if self._consumer is not None:
            await self._commit(self._consumer, lanes)
        for place in places:
            self._committed.pop(place, None)
            with suppress(KeyError):  # it was never measured
                self._delivery.metrics.forget(place.topic, place.partition, self._delivery.group)

    async def _commit_always(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            await self._progress.wait()
            self._progress.clear()
            await self._commit(consumer, self._lanes)
            await asyncio.sleep(COMMIT_PAUSE_S)

    async def _commit(self, consumer: AIOKafkaConsumer, lanes: dict[TopicPartition, Lane]) -> None:
        offsets = {
            place: lane.handled
            for place, lane in lanes.items()
            if lane.handled is not None and lane.handled != self._committed.get(place)
        }
        if not offsets:
            return
        try:
            async with asyncio.timeout(COMMIT_S):
                await consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError, *TROUBLE) as error:
            self._delivery.metrics.commit_failures.labels(self._delivery.group).inc()
            self._progress.set()
            log.warning(
                "offsets were not committed; their messages may come again",
                group=self._delivery.group,
                error=sentence_of(error, self._topics),
            )
        else:
            self._committed |= offsets

    async def _measure_always(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            with suppress(*TROUBLE):  # a broker that is away has said so elsewhere
                async with asyncio.timeout(MEASURE_S):
                    await self._measure(consumer)
            await asyncio.sleep(MEASURE_S)

    async def _measure(self, consumer: AIOKafkaConsumer) -> Lag:
        places = list(self._lanes)
        ends = await consumer.end_offsets(places) if places else {}
        lags: Lag = {}
        for place in places:
            lane = self._lanes.get(place)
            if lane is None:
                continue
            done = lane.handled
            if done is None:
                done = await consumer.committed(place)
            if done is None:
                done = (await consumer.beginning_offsets([place]))[place]
            lag = max(0, ends[place] - done)
            lags[place.topic, place.partition] = lag
            self._delivery.metrics.lag.labels(
                place.topic, str(place.partition), self._delivery.group
            ).set(lag)
        return lags
