"""Who publishes which keys: the outbox's slots, shared among relays by advisory locks.

Locks belong to the connection that also deletes, so that a relay which lost its locks cannot
delete either. They end with the connection: another relay takes over within a balance interval.
"""

from __future__ import annotations

import time
import zlib
from typing import Any

import sqlalchemy as sa
import structlog

from atmr_common.database.outbox import LEADER_LOCK, SLOTS

log = structlog.get_logger(__name__)

BALANCE_S = 0.5
PRESENCE = SLOTS
"""The lock, shared, that says that a relay is there; the others are numbered by slot."""
MEMBERS = """
SELECT count(DISTINCT pid) FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 2
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND classid = $1::bigint::oid AND objid = $2::bigint::oid
"""
TAKE = """
SELECT slot FROM unnest($2::int[]) AS slot WHERE pg_try_advisory_lock($1::int, slot) LIMIT $3
"""


class SlotLeadership:
    """The slots that one connection leads; `balance` takes and gives back its fair share."""

    def __init__(self, connection: Any, outbox: sa.Table) -> None:
        self.led: list[int] = []
        self._connection = connection
        self._lock_class = zlib.crc32(f"{outbox.schema}.{outbox.name}".encode()) & 0x7FFF_FFFF
        self._due = 0.0
        self._present = False

    async def balance(self) -> None:
        """Once per interval: lead `SLOTS` divided by the number of relays, rounded up."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + BALANCE_S
        if not self._present and not await self._appear():
            return
        members = await self._connection.fetchval(MEMBERS, self._lock_class, PRESENCE)
        share = -(-SLOTS // max(members, 1))
        before = list(self.led)
        await self._give(self.led[share:])
        await self._take(share - len(self.led))
        if self.led != before:
            log.info("outbox slots led", slots=self.led, relays=members)

    async def _appear(self) -> bool:
        """False while a relay of release 0.1.0, which leads all keys, is in the middle of a batch.

        Once this lock is shared, that release's relays stay quiet: they knew no Kafka.
        """
        allowed = await self._connection.fetchval(
            "SELECT pg_try_advisory_lock_shared($1::bigint)", LEADER_LOCK
        )
        if allowed:
            await self._connection.execute(
                "SELECT pg_advisory_lock_shared($1::int, $2::int)", self._lock_class, PRESENCE
            )
            self._present = True
        return bool(allowed)

    async def _give(self, slots: list[int]) -> None:
        for slot in list(slots):
            self.led.remove(slot)
            await self._connection.execute(
                "SELECT pg_advisory_unlock($1::int, $2::int)", self._lock_class, slot
            )

    async def _take(self, wanted: int) -> None:
        if wanted > 0:
            free = [slot for slot in range(SLOTS) if slot not in self.led]
            rows = await self._connection.fetch(TAKE, self._lock_class, free, wanted)
            self.led = sorted([*self.led, *(row["slot"] for row in rows)])
