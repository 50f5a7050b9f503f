"""The database's epoch: which of its lives an event was told in.

A restore from a backup forgets what came after the backup. It advances the epoch, so that readers
of events see that versions may have gone back, and read again what they keep.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One life of the database."""

    number: int
    since: datetime
    reason: str


async def read_epochs(session: AsyncSession, table: sa.Table) -> list[Epoch]:
    """All of them, the present one last."""
    rows = await session.execute(table.select().order_by(table.c.number))
    return [Epoch(number=row.number, since=row.since, reason=row.reason) for row in rows]


async def advance_epoch(
    session: AsyncSession, table: sa.Table, *, reason: str, now: datetime
) -> Epoch:
    """Begin the next epoch; the events that the relay publishes from here on carry it.

    Raises:
        ValueError: without a reason.
        sqlalchemy.exc.IntegrityError: when another transaction advances it at the same moment.

    """
    if not reason.strip():
        raise ValueError("an epoch needs a reason")
    present = await session.scalar(sa.select(sa.func.max(table.c.number)))
    epoch = Epoch(number=(present or 0) + 1, since=now, reason=reason.strip())
    values = {"number": epoch.number, "since": epoch.since, "reason": epoch.reason}
    await session.execute(table.insert().values(values))
    return epoch
