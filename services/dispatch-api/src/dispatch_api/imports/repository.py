"""Lets imports of one company happen one after the other, so that no row is created twice."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession


async def hold_imports(session: AsyncSession, company_id: UUID) -> None:
    """Wait for other imports of the company, and make later ones wait for this transaction."""
    key = sa.func.hashtextextended(f"import {company_id}", 0)
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
