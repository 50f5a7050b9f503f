"""Forgetting: rows out of retention are deleted, in batches that hold no lock for long."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from atmr_common.database.tenancy import PLATFORM

if TYPE_CHECKING:
    from atmr_common.database.engine import Database

BATCH = 5000


async def delete_older(
    database: Database, column: sa.Column[Any], before: datetime | date, *, batch: int = BATCH
) -> int:
    """Delete the rows whose `column` is before that moment; returns how many there were."""
    table = column.table
    place: sa.ColumnElement[Any] = sa.literal_column("ctid")
    old = sa.select(place).select_from(table).where(column < before).limit(batch)
    statement = sa.delete(table).where(place.in_(old))
    total = 0
    while True:
        async with database.transaction(PLATFORM) as session:
            deleted = int((await session.execute(statement)).rowcount)  # type: ignore[attr-defined]  # CursorResult
        total += deleted
        if deleted < batch:
            return total
