"""What companies have used, in the database.

A day is counted in stripes, one per group of connections: two transactions of one company that
are open at once use two connections, so that they hardly ever wait for each other's row.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from dispatch_api.usage.domain import UsageKind
from dispatch_api.usage.tables import UsageRow

STRIPES = 32
STRIPE = sa.func.mod(sa.func.pg_backend_pid(), STRIPES)
HOLD = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


class UsageRepository:
    """Reads and adds within one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def used(self, company_id: UUID, day: date, kind: UsageKind) -> float:
        """As far as it is committed, and by this transaction."""
        total = sa.func.coalesce(sa.func.sum(col(UsageRow.amount)), 0.0)
        query = sa.select(total).where(
            col(UsageRow.company_id) == company_id,
            col(UsageRow.day) == day,
            col(UsageRow.kind) == kind.value,
        )
        return float((await self._session.execute(query)).scalar_one())

    async def add(self, company_id: UUID, day: date, kind: UsageKind, amount: float) -> None:
        row = {"company_id": company_id, "day": day, "kind": kind.value, "amount": amount}
        statement = insert(UsageRow).values(**row, stripe=STRIPE)
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["company_id", "day", "kind", "stripe"],
                set_={"amount": col(UsageRow.amount) + statement.excluded.amount},
            )
        )

    async def hold(self, company_id: UUID, kind: UsageKind) -> None:
        """Let nobody else who holds it count this until the transaction ends."""
        await self._session.execute(HOLD, {"name": f"usage:{kind}:{company_id}"})

    async def of_days(
        self, company_id: UUID, first: date, last: date
    ) -> dict[date, dict[str, float]]:
        """What was used of each kind, on the days on which anything was."""
        query = (
            sa.select(col(UsageRow.day), col(UsageRow.kind), sa.func.sum(col(UsageRow.amount)))
            .where(
                col(UsageRow.company_id) == company_id,
                col(UsageRow.day).between(first, last),
            )
            .group_by(col(UsageRow.day), col(UsageRow.kind))
        )
        found: dict[date, dict[str, float]] = defaultdict(dict)
        for day, kind, amount in await self._session.execute(query):
            found[day][kind] = amount
        return found
