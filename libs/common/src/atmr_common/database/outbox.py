"""The outbox: events are written in the transaction of the change that they tell.

The relay publishes what stands there and then deletes it. It never remembers a position:
sequences are not in the order of commits, and a row that committed late would be lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import JSONB

from atmr_common.bus.port import Message
from atmr_common.contracts.catalogue import CATALOGUE
from atmr_common.contracts.envelope import Envelope, Event
from atmr_common.runtime.identifiers import new_id

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from atmr_common.bus.port import Bus
    from atmr_common.database.engine import Database
    from atmr_common.runtime.clock import Clock

log = structlog.get_logger(__name__)

BATCH = 500
LEADER_LOCK = 0x41544D52_4F555442  # "ATMROUTB": one relay per database publishes at a time


def outbox_table(metadata: sa.MetaData) -> sa.Table:
    """The table `outbox` of a service's schema."""
    return sa.Table(
        "outbox",
        metadata,
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("headers", JSONB, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )


class Outbox:
    """Records events of one service; lock the aggregate's row before recording its events."""

    def __init__(self, table: sa.Table, *, source: str, clock: Clock) -> None:
        self.table = table
        self._source = source
        self._clock = clock

    async def record(
        self, session: AsyncSession, event: Event, *, key: str, company_id: UUID, version: int
    ) -> None:
        """Write `event` in the session's transaction; `version` is the aggregate's."""
        await self.record_all(session, [(event, key, version)], company_id=company_id)

    async def record_all(
        self, session: AsyncSession, events: Sequence[tuple[Event, str, int]], *, company_id: UUID
    ) -> None:
        """Write many events, each `(event, key, version)`, in their order."""
        if events:
            rows = [self._row(event, key, company_id, version) for event, key, version in events]
            await session.execute(self.table.insert(), rows)

    def _row(self, event: Event, key: str, company_id: UUID, version: int) -> dict[str, Any]:
        entry = CATALOGUE[type(event)]
        envelope = Envelope(
            id=new_id(),
            source=self._source,
            type=entry.type,
            subject=key,
            time=self._clock.now(),
            dataschema=f"urn:atmr:{entry.type}",
            company_id=company_id,
            aggregate_version=version,
        )
        value = event.model_dump_json().encode()
        return {"topic": entry.topic, "key": key, "headers": envelope.headers(), "value": value}


class OutboxRelay:
    """Publishes the outbox; one relay leads at a time, the others wait for its lock."""

    def __init__(
        self, database: Database, table: sa.Table, bus: Bus, *, poll_s: float = 1.0
    ) -> None:
        self._database = database
        self._table = table
        self._bus = bus
        self._poll_s = poll_s
        self._nudged = asyncio.Event()

    def nudge(self) -> None:
        """Say that something was committed; the poll finds it anyway."""
        self._nudged.set()

    async def run(self) -> None:
        """Relay until cancelled; while the database or the bus is down, wait and try again."""
        while True:
            try:
                while await self.relay_batch() == BATCH:
                    pass
            except Exception as error:  # noqa: BLE001 (a dependency is down: nothing is lost, try again)
                log.warning("outbox relay waits", error=f"{type(error).__name__}: {error}")
            await self._wait()

    async def relay_batch(self) -> int:
        """Publish and delete the oldest rows; returns how many there were."""
        async with self._database.transaction() as session:
            leads = sa.select(sa.func.pg_try_advisory_xact_lock(LEADER_LOCK))
            if not await session.scalar(leads):
                return 0
            oldest = sa.select(self._table).order_by(self._table.c.position).limit(BATCH)
            rows = (await session.execute(oldest)).all()
            if rows:
                await self._bus.publish([_message(row) for row in rows])
                positions = [row.position for row in rows]
                await session.execute(
                    self._table.delete().where(self._table.c.position.in_(positions))
                )
            return len(rows)

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s):
                await self._nudged.wait()
        self._nudged.clear()


def _message(row: sa.Row[Any]) -> Message:
    return Message(topic=row.topic, key=row.key, value=row.value, headers=row.headers)
