"""`make bench-relay`: the outbox relay against an ORM relay, and into a real broker.

Each round drains the same rows with publishing stubbed, ours and the ORM's in turns; then into
Kafka; then single commits on an idle relay. Prints CPU and wall time, and the load average.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
import uvloop
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase
from support.kafka_servers import chosen_server

from atmr_common.bus.kafka import KafkaBus
from atmr_common.bus.port import Message
from atmr_common.bus.settings import KafkaSettings
from atmr_common.bus.topics import topic_administration, wanted_topics
from atmr_common.contracts.dispatch import RunRequested
from atmr_common.database.asyncpg_connection import connect
from atmr_common.database.engine import Database
from atmr_common.database.migrations import upgrade
from atmr_common.database.outbox import Outbox, OutboxRow, outbox_table
from atmr_common.database.relay import BATCH, OutboxRelay
from atmr_common.database.relay_metrics import RelayMetrics
from atmr_common.database.tables import service_metadata
from atmr_common.database.tenancy import OWNER
from atmr_common.runtime.clock import SystemClock
from standalone.embedded_postgres import EmbeddedPostgres

OUTBOX = outbox_table(service_metadata("dispatch"))
COMPANY = UUID(int=1)
FILL = """
INSERT INTO dispatch.outbox (company_id, topic, key, headers, value)
SELECT $1, $2, gen_random_uuid()::text, $4::jsonb, $5
FROM generate_series(1, $6) WHERE $3 <> ''
"""


class OrmTables(DeclarativeBase):
    """The peer's own mapping of the same table."""


class OrmRow(OrmTables):
    __table__ = OUTBOX.to_metadata(OrmTables.metadata)


class Stub:
    """Takes everything at once, and says when."""

    def __init__(self, bus: Any = None) -> None:
        self._bus = bus
        self.accepted = 0
        self.moved = asyncio.Event()

    async def publish(self, messages: Sequence[Message]) -> None:
        if self._bus is not None:
            await self._bus.publish(messages)
        self.accepted += len(messages)
        self.moved.set()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def sample() -> OutboxRow:
    outbox = Outbox(OUTBOX, source="/bench", clock=SystemClock())
    event = RunRequested(run_id=uuid4(), day=date(2026, 3, 16), mode="auto")
    return outbox.rows_of([(event, "bench", 1)], company_id=COMPANY)[0]


async def fill(owner: Any, rows: int) -> None:
    await owner.execute("TRUNCATE dispatch.outbox")
    if rows:
        await owner.execute(FILL, *sample(), rows, timeout=120)
        await owner.execute("VACUUM ANALYZE dispatch.outbox", timeout=120)


async def timed(work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """CPU seconds of this process, and wall seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    await work()
    return time.process_time() - processor, time.perf_counter() - wall


def relay_of(url: str, bus: Any) -> OutboxRelay:
    metrics = RelayMetrics(CollectorRegistry())
    return OutboxRelay(url, OUTBOX, bus, clock=SystemClock(), metrics=metrics)


async def drain(url: str, bus: Stub, rows: int) -> tuple[float, float]:
    """The relay as it runs in the service, from its first batch on: the peer is warm too."""
    wanted = bus.accepted + rows
    bus.moved.clear()
    running = asyncio.create_task(relay_of(url, bus).run())
    await bus.moved.wait()

    async def rest() -> None:
        while bus.accepted < wanted:
            bus.moved.clear()
            await bus.moved.wait()

    processor, wall = await timed(rest)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    whole = rows / (rows - BATCH)
    return processor * whole, wall * whole


async def drain_by_orm(database: Database, bus: Stub) -> tuple[float, float]:
    """The usual way: entities in a session, published, deleted one by one, flushed together."""

    async def work() -> None:
        found = BATCH
        while found == BATCH:
            async with database.transaction(OWNER) as session:
                found = await orm_batch(session, bus)

    return await timed(work)


async def orm_batch(session: AsyncSession, bus: Stub) -> int:
    query = sa.select(OrmRow).order_by(OrmRow.__table__.c.position)
    rows = list(await session.scalars(query.limit(BATCH)))
    await bus.publish(
        [
            Message(topic=row.topic, key=row.key, value=row.value, headers=row.headers)
            for row in rows
        ]
    )
    for row in rows:
        await session.delete(row)
    return len(rows)


def show(name: str, runs: list[tuple[float, float]], rows: int) -> float:
    processor, wall = (median(each) for each in zip(*runs, strict=True))
    say(
        f"{name:<22} {rows / processor:>9,.0f} events/CPU s   {processor / rows * 1e6:5.2f} us CPU"
        f" each   {rows / wall:>9,.0f} events/s wall"
    )
    return processor


async def idle_latency(url: str, owner: Any, bus: Stub, commits: int) -> None:
    """From the end of a commit to the broker's acknowledgement, one at a time on an idle relay."""
    relay = relay_of(url, bus)
    running = asyncio.create_task(relay.run())
    row = sample()
    seen = []
    for _ in range(commits + 10):
        await asyncio.sleep(0.02)
        bus.moved.clear()
        await owner.execute(FILL, *row, 1)
        started = time.perf_counter()
        relay.nudge()
        await bus.moved.wait()
        seen.append((time.perf_counter() - started) * 1000)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    points = quantiles(seen[10:], n=100)
    say(f"commit to Kafka, idle  p50 {points[49]:.2f} ms   p99 {points[98]:.2f} ms   n {commits}")


async def into_kafka(url: str, owner: Any, bootstrap: str, options: argparse.Namespace) -> None:
    settings = KafkaSettings(bootstrap=bootstrap)
    async with topic_administration(settings) as administration:
        await administration.create(wanted_topics(), replication=1)
    kafka = KafkaBus(settings)
    bus, runs = Stub(kafka), []
    for _ in range(options.rounds):
        await fill(owner, options.rows)
        runs.append(await drain(url, bus, options.rows))
    show("relay into Kafka", runs, options.rows)
    await fill(owner, 0)
    await idle_latency(url, owner, bus, options.commits)
    await kafka.aclose()


async def bench(url: str, bootstrap: str | None, options: argparse.Namespace) -> None:
    await upgrade(url, package="dispatch_api", schema="dispatch")
    database = Database(url, schema="dispatch")
    owner = await connect(url, schema="dispatch", tenancy=OWNER, application="bench")
    ours, orm = [], []
    for _ in range(options.rounds):
        await fill(owner, options.rows)
        ours.append(await drain(url, Stub(), options.rows))
        await fill(owner, options.rows)
        orm.append(await drain_by_orm(database, Stub()))
    say(f"{options.rows} rows, batch {BATCH}, {options.rounds} rounds, load {os.getloadavg()}")
    own, theirs = show("relay, no broker", ours, options.rows), show("ORM relay", orm, options.rows)
    say(f"ORM relay / relay      {theirs / own:.1f} times the CPU")
    if bootstrap is not None:
        await into_kafka(url, owner, bootstrap, options)
    await owner.close()
    await database.aclose()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--commits", type=int, default=300)
    parser.add_argument("--no-kafka", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="atmr-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        broker = None if options.no_kafka else chosen_server()
        if broker is not None:
            say(f"broker: {broker.describe()}")
        try:
            with EmbeddedPostgres(folder / "postgres") as postgres:
                bootstrap = broker.start(folder / "kafka") if broker is not None else None
                uvloop.run(bench(postgres.plain_url, bootstrap, options))  # as the services do
        finally:
            if broker is not None:
                broker.stop(folder / "kafka")
    return 0


if __name__ == "__main__":
    sys.exit(main())
