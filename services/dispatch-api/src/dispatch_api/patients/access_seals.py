"""Seals the log of reads: a chain of digests shows what was changed, taken away or put in later.

Entries that are old enough for their transactions to have ended are sealed in the order of their
ids, company by company. Each digest covers the one before, so that only the chain's end can be
cut without trace; `access_log_check.py` holds that end against a witness outside the database.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from atmr_common.database.engine import Database
from atmr_common.database.recurring import RecurringWork
from atmr_common.database.tenancy import of_company
from atmr_common.runtime.clock import Clock
from dispatch_api.patients.key_versions import all_companies
from dispatch_api.patients.tables import AccessSealRow, PatientAccessRow

SETTLED_AFTER = timedelta(minutes=5)
"""No transaction that writes an entry lasts so long."""
MOST_ENTRIES = 10_000
NOTHING = UUID(int=0)
NO_DIGEST = bytes(32)

log = structlog.get_logger(__name__)


def sealing_work(database: Database, clock: Clock) -> RecurringWork:
    """The sealing as recurring work of the service."""

    async def work() -> None:
        await seal_access_logs(database, clock.now())

    return RecurringWork(name="seal_access_logs", every=SETTLED_AFTER, work=work)


async def seal_access_logs(database: Database, now: datetime) -> int:
    """Seal what is old enough of every company's log; how many seals were set."""
    seals = 0
    for company_id in await all_companies(database):
        sealed = True
        while sealed:
            async with database.transaction(of_company(company_id)) as session:
                sealed = await _seal_next(session, company_id, now)
            seals += sealed
    return seals


async def _seal_next(session: AsyncSession, company_id: UUID, now: datetime) -> bool:
    """Seal up to MOST_ENTRIES of one company; False when there is nothing to seal."""
    lock = sa.func.pg_advisory_xact_lock(
        sa.func.hashtextextended(f"dispatch.access_seal {company_id}", 0)
    )
    await session.execute(sa.select(lock))
    last = await session.scalar(
        sa.select(AccessSealRow)
        .where(col(AccessSealRow.company_id) == company_id)
        .order_by(col(AccessSealRow.number).desc())
        .limit(1)
    )
    after = last.through_id if last else NOTHING
    entries = await entries_between(session, company_id, after, None, limit=MOST_ENTRIES)
    settled = _settled(entries, now - SETTLED_AFTER)
    if not settled:
        return False
    number = last.number + 1 if last else 1
    before = last.digest if last else NO_DIGEST
    seal = AccessSealRow(
        company_id=company_id,
        number=number,
        through_id=settled[-1].id,
        entries=len(settled),
        digest=digest_of(before, company_id, number, settled),
        sealed_at=now,
    )
    session.add(seal)
    log.info(
        "access_log_sealed",
        company_id=str(company_id),
        number=number,
        entries=len(settled),
        digest=seal.digest.hex(),
    )
    return True


def _settled(entries: Sequence[PatientAccessRow], until: datetime) -> Sequence[PatientAccessRow]:
    """Those before the first that is too young."""
    for position, entry in enumerate(entries):
        if entry.at > until:
            return entries[:position]
    return entries


async def entries_between(
    session: AsyncSession,
    company_id: UUID,
    after: UUID,
    through: UUID | None,
    *,
    limit: int | None = None,
) -> Sequence[PatientAccessRow]:
    """Entries of the log in the order of their ids, `through` included."""
    query = sa.select(PatientAccessRow).where(
        col(PatientAccessRow.company_id) == company_id, col(PatientAccessRow.id) > after
    )
    if through is not None:
        query = query.where(col(PatientAccessRow.id) <= through)
    rows = await session.scalars(query.order_by(col(PatientAccessRow.id)).limit(limit))
    return rows.all()


def digest_of(
    before: bytes, company_id: UUID, number: int, entries: Iterable[PatientAccessRow]
) -> bytes:
    """SHA-256 over the digest before, whose seal it is, and each entry as one line of JSON."""
    digest = hashlib.sha256(before + company_id.bytes + number.to_bytes(8, "big"))
    for entry in entries:
        digest.update(_canonical(entry))
    return digest.digest()


def _canonical(entry: PatientAccessRow) -> bytes:
    values = {
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "fields": entry.fields,
        "id": str(entry.id),
        "patient_id": str(entry.patient_id),
        "role": entry.role,
        "subject": entry.subject,
    }
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode() + b"\n"
