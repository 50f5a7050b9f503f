"""Publishes the outbox: read the oldest rows of the slots led, publish, delete.

It never remembers a position: sequences are not in the order of commits, and a row that committed
late would be lost. A crash between publishing and deleting publishes again; consumers know repeats.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import structlog

from atmr_common.bus.port import BusUnavailableError, Message, MessageTooLargeError
from atmr_common.database.asyncpg_connection import close, connect
from atmr_common.database.outbox import SLOTS
from atmr_common.database.relay_metrics import RelayMetrics
from atmr_common.database.relay_nudge import CommitNotifier, channel_of
from atmr_common.database.relay_slots import SlotLeadership
from atmr_common.database.relay_statements import OutboxBatch, OutboxStatements
from atmr_common.database.tenancy import RELAY
from atmr_common.runtime.crash_points import RELAY_DELETED, RELAY_MID_BATCH, RELAY_PUBLISHED, Crash

if TYPE_CHECKING:
    from atmr_common.bus.port import Bus
    from atmr_common.runtime.clock import Clock

log = structlog.get_logger(__name__)

BATCH = 500
BUSY_POLL_S = 0.1
IDLE_POLL_S = 0.5
BUSY_FOR_S = 5.0
"""A relay that published lately polls often."""
STANDING_S = 5.0
FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 1.0


def retry_waits() -> Iterator[float]:
    """How long to wait while the database or the bus is away, endlessly."""
    wait = FIRST_RETRY_S
    while True:
        yield wait
        wait = min(2 * wait, LONGEST_RETRY_S)


class OutboxRelay:
    """Publishes the slots that it leads; several relays share them, each key has one at a time."""

    def __init__(
        self,
        url: str,
        outbox: sa.Table,
        bus: Bus,
        *,
        clock: Clock,
        metrics: RelayMetrics,
        crash: Crash | None = None,
    ) -> None:
        self._url = url
        self._outbox = outbox
        self._bus = bus
        self._clock = clock
        self._metrics = metrics
        self._crash = crash
        self._statements = OutboxStatements(outbox)
        self._channel = channel_of(outbox)
        self._notifier = CommitNotifier(self._connect, self._channel)
        self._nudged = asyncio.Event()
        self._leads_all = False
        self._retries = retry_waits()
        self._published_at = 0.0
        self._standing_due = 0.0
        self._away: str | None = None

    def nudge(self) -> None:
        """Say, after a commit, that something waits; the poll finds it anyway."""
        self._nudged.set()
        if not self._leads_all:
            self._notifier.notify()

    async def run(self) -> None:
        """Relay until cancelled; while the database or the bus is away, wait and try again."""
        while True:
            try:
                async with self._leading() as (connection, slots):
                    await self._relay(connection, slots)
            except Exception as error:  # noqa: BLE001 (the database is away: nothing is lost, try again)
                self._failed("database", error)
            await asyncio.sleep(next(self._retries))

    async def relay_batch(self) -> int:
        """Publish one batch on a connection of its own; returns how many rows it took."""
        async with self._leading() as (connection, slots):
            await slots.balance()
            return await self._batch(connection, slots.led)

    async def aclose(self) -> None:
        await self._notifier.aclose()

    async def _connect(self) -> Any:
        schema = self._outbox.schema or ""
        return await connect(
            self._url, schema=schema, tenancy=RELAY, application=f"{schema} outbox relay"
        )

    @asynccontextmanager
    async def _leading(self) -> AsyncIterator[tuple[Any, SlotLeadership]]:
        connection = await self._connect()
        try:
            await connection.add_listener(self._channel, self._heard)
            yield connection, SlotLeadership(connection, self._outbox)
        finally:
            self._leads_all = False
            self._metrics.slots_led.set(0)
            await close(connection)

    def _heard(self, *_: object) -> None:
        self._nudged.set()

    async def _relay(self, connection: Any, slots: SlotLeadership) -> None:
        while True:
            await slots.balance()
            self._leads_all = len(slots.led) == SLOTS
            self._metrics.slots_led.set(len(slots.led))
            await self._observe(connection, slots.led)
            self._nudged.clear()
            try:
                count = await self._batch(connection, slots.led)
            except BusUnavailableError as error:
                self._failed("bus", error)
                await asyncio.sleep(next(self._retries))
                continue
            self._went_on()
            if count < BATCH:
                await self._wait()

    async def _batch(self, connection: Any, slots: Sequence[int]) -> int:
        if not slots:
            return 0
        batch = await self._statements.oldest(connection, slots, BATCH)
        if batch.positions:
            published = await self._publish(connection, batch)
            self._reached(RELAY_PUBLISHED)
            await self._delete(connection, published)
            self._metrics.published.inc(len(published))
            self._published_at = time.monotonic()
        return len(batch.positions)

    async def _delete(self, connection: Any, positions: Sequence[int]) -> None:
        if self._crash is None:  # a statement alone is a transaction, two round trips cheaper
            await self._statements.delete(connection, positions)
            return
        async with connection.transaction():
            await self._statements.delete(connection, positions)
            self._reached(RELAY_DELETED)

    def _failed(self, away: str, error: Exception) -> None:
        """One line for an outage; the metric counts every attempt."""
        self._metrics.failures.labels(away).inc()
        if self._away != away:
            log.warning("outbox relay waits", away=away, error=error)
        self._away = away

    def _went_on(self) -> None:
        self._retries = retry_waits()
        if self._away is not None:
            log.info("outbox relay goes on", was_away=self._away)
        self._away = None

    async def _publish(self, connection: Any, batch: OutboxBatch) -> list[int]:
        """The positions of what the bus accepted; what it refuses for good is set aside."""
        try:
            await self._hand_over(batch.messages)
        except MessageTooLargeError:
            each = zip(batch.positions, batch.messages, strict=True)
            return [at for at, message in each if await self._accepted(connection, at, message)]
        return batch.positions

    async def _hand_over(self, messages: Sequence[Message]) -> None:
        if self._crash is None or len(messages) < 2:  # noqa: PLR2004 (one message has no middle)
            await self._bus.publish(messages)
            return
        half = len(messages) // 2
        await self._bus.publish(messages[:half])
        self._reached(RELAY_MID_BATCH)
        await self._bus.publish(messages[half:])

    async def _accepted(self, connection: Any, position: int, message: Message) -> bool:
        try:
            await self._bus.publish([message])
        except MessageTooLargeError as error:
            await self._statements.refuse(connection, position, str(error))
            self._metrics.refused.inc()
            log.error(  # noqa: TRY400 (the refusal is the whole story)
                "event set aside: the broker refuses it",
                position=position,
                topic=message.topic,
                event_id=message.headers.get("ce_id"),
                because=str(error),
            )
            return False
        return True

    def _reached(self, point: str) -> None:
        if self._crash is not None:
            self._crash(point)

    async def _observe(self, connection: Any, slots: Sequence[int]) -> None:
        now = time.monotonic()
        if now < self._standing_due:
            return
        self._standing_due = now + STANDING_S
        standing = await self._statements.standing(connection, slots)
        self._metrics.waiting.set(standing.waiting)
        age = 0.0
        if standing.oldest is not None:
            oldest = datetime.fromisoformat(standing.oldest)
            age = max(0.0, (self._clock.now() - oldest).total_seconds())
        self._metrics.oldest_age.set(age)

    async def _wait(self) -> None:
        busy = time.monotonic() - self._published_at < BUSY_FOR_S
        with suppress(TimeoutError):
            async with asyncio.timeout(BUSY_POLL_S if busy else IDLE_POLL_S):
                await self._nudged.wait()
