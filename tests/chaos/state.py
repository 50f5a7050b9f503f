"""The final state of a run, read when nothing moves any more: database, topic, deliveries."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from chaos.consumer_process import TOPIC, group_of

LOOK_S = 0.2
QUERIES = {
    "bookings": "SELECT id, payer_reference AS mark, version, state, on_hold FROM dispatch.booking",
    "outbox": "SELECT position, key, headers ->> 'ce_id' AS event_id, refused FROM dispatch.outbox",
    "applied": "SELECT place, booking_id, version, event_id,"
    " (extract(epoch FROM at) * 1000)::bigint AS at_ms FROM chaos.applied ORDER BY place",
}
Row = dict[str, Any]


class Observer:
    """Looks at a run's database and topics; `url` is of a database superuser or owner."""

    def __init__(self, url: str, bootstrap: str, prefix: str, deliveries: Path) -> None:
        self._url = url
        self._bootstrap = bootstrap
        self._prefix = prefix
        self._topic = prefix + TOPIC
        self._deliveries = deliveries

    async def settled(self, *, limit_s: float, still_s: float) -> str:
        """Wait until all is told and taken in, or until nothing moves for `still_s`."""
        until, seen, since = time.monotonic() + limit_s, None, time.monotonic()
        while time.monotonic() < until:
            try:
                async with asyncio.timeout(limit_s):
                    now = await self._standing()
            except (OSError, asyncpg.PostgresError, KafkaError, TimeoutError):
                now = None
            if now is not None and now[0] == 0 and now[1] == 0:
                return "settled"
            if now is None or now != seen:
                seen, since = now, time.monotonic()
            elif now[1] == 0 and time.monotonic() - since > still_s:
                return f"still: {now[0]} rows wait in the outbox"
            await asyncio.sleep(LOOK_S)
        return f"not settled within {limit_s:.0f} s: {seen}"

    async def _standing(self) -> tuple[int, int, int]:
        """Rows in the outbox, messages not taken in, effects."""
        connection = await asyncpg.connect(self._url, timeout=5)
        try:
            outbox = await connection.fetchval("SELECT count(*) FROM dispatch.outbox")
            applied = await connection.fetchval("SELECT count(*) FROM chaos.applied")
        finally:
            await connection.close()
        return outbox, await self._lag(), applied

    async def _lag(self) -> int:
        async with self._clients() as (admin, consumer):
            ends = await consumer.end_offsets(await _places(admin, self._topic))
            group = await admin.list_consumer_group_offsets(group_of(self._prefix))
        done = {place: max(0, offset.offset) for place, offset in group.items()}
        return sum(end - done.get(place, 0) for place, end in ends.items())

    async def read(self) -> Row:
        """Everything that the checker needs, as JSON holds it."""
        connection = await asyncpg.connect(self._url, timeout=10)
        try:
            state: Row = {
                name: [_plain(row) for row in await connection.fetch(query)]
                for name, query in QUERIES.items()
            }
        finally:
            await connection.close()
        state["topic"] = await self.messages(self._topic)
        state["dead_letters"] = await self.messages(self._topic + ".dead-letter")
        told = self._deliveries.read_text().splitlines() if self._deliveries.exists() else []
        return state | {"deliveries": len(told)}

    async def messages(self, topic: str) -> list[Row]:
        """All messages of a topic, partition after partition, in their order."""
        found: list[Row] = []
        async with self._clients() as (admin, consumer):
            places = await _places(admin, topic)
            ends = await consumer.end_offsets(places)
            consumer.assign(places)
            while any([await consumer.position(place) < ends[place] for place in places]):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += [_message(record) for record in records]
        return sorted(found, key=lambda each: (each["partition"], each["offset"]))

    @asynccontextmanager
    async def _clients(self) -> AsyncIterator[tuple[AIOKafkaAdminClient, AIOKafkaConsumer]]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        try:
            await admin.start()
            await consumer.start()
            yield admin, consumer
        finally:
            await consumer.stop()
            await admin.close()

    async def query(self, sql: str) -> Any:
        connection = await asyncpg.connect(self._url, timeout=5)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()


async def _places(admin: AIOKafkaAdminClient, topic: str) -> list[TopicPartition]:
    [described] = await admin.describe_topics([topic])
    return [TopicPartition(topic, each["partition"]) for each in described["partitions"]]


def _message(record: Any) -> Row:
    headers = {name: value.decode() for name, value in record.headers}
    return {
        "partition": record.partition,
        "offset": record.offset,
        "at_ms": record.timestamp,
        "key": record.key.decode(),
        "event_id": headers["ce_id"],
        "recorded_at_ms": datetime.fromisoformat(headers["ce_time"]).timestamp() * 1000,
        "version": int(headers["ce_aggregateversion"]),
    }


def _plain(row: Any) -> Row:
    return {
        name: value if isinstance(value, int | bool | None) else str(value)
        for name, value in dict(row).items()
    }


def write(state: Row, path: Path) -> None:
    path.write_text(json.dumps(state))
