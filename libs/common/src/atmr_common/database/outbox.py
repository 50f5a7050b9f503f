"""The outbox: events are written in the transaction of the change that they tell.

`relay.py` publishes what stands there and then deletes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from atmr_common.contracts.catalogue import CATALOGUE
from atmr_common.contracts.envelope import Envelope, Event
from atmr_common.observability.work_context import current_traceparent
from atmr_common.runtime.identifiers import new_id

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from atmr_common.runtime.clock import Clock

SLOTS = 8
"""Partitions of keys; each has one relay that publishes it. A power of two."""
LEADER_LOCK = 0x41544D52_4F555442
"""ATMROUTB: under it, release 0.1.0 has one relay per database that publishes all keys."""


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
        sa.Column("company_id", sa.Uuid),
        sa.Column("refused", sa.Text),  # why the broker will never take it; set aside by the relay
        sa.Column(
            "slot",
            sa.SmallInteger,
            sa.Computed(f"(hashtextextended(key, 0) & {SLOTS - 1})::smallint", persisted=True),
            nullable=False,
        ),
        sa.Index("ix_outbox_slot_position", "slot", "position"),
    )


class OutboxRow(NamedTuple):
    """One row to be written; `headers` is JSON."""

    company_id: UUID
    topic: str
    key: str
    headers: str
    value: bytes


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
            rows = [
                row._asdict() | {"headers": orjson.loads(row.headers)}
                for row in self.rows_of(events, company_id=company_id)
            ]
            await session.execute(self.table.insert().inline(), rows)

    def rows_of(
        self,
        events: Sequence[tuple[Event, str, int]],
        *,
        company_id: UUID,
        traceparent: str | None = None,
    ) -> list[OutboxRow]:
        """The same rows for SQL over asyncpg, in the order in which they are to be inserted.

        `traceparent` is that of the change, where it is not the work under way.
        """
        trace = traceparent or current_traceparent()
        return [self._row(event, key, company_id, version, trace) for event, key, version in events]

    def _row(
        self, event: Event, key: str, company_id: UUID, version: int, traceparent: str | None
    ) -> OutboxRow:
        entry = CATALOGUE[type(event)]
        envelope = Envelope(
            id=new_id(),
            source=self._source,
            type=entry.type,
            subject=key,
            time=self._clock.now(),
            dataschema=entry.dataschema,
            company_id=company_id,
            aggregate_version=version,
            traceparent=traceparent,
        )
        headers = orjson.dumps(envelope.headers()).decode()
        return OutboxRow(company_id, entry.topic, key, headers, event.model_dump_json().encode())
