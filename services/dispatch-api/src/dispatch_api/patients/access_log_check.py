"""Verifies the seals of the log of reads, and holds their end against what was seen before.

Whoever owns the database can cut the chain's end off and seal it again; so the heads that were
verified are kept by whom they are to convince, outside of the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from atmr_common.database.engine import Database
from atmr_common.database.tenancy import of_company
from dispatch_api.patients.access_seals import NO_DIGEST, NOTHING, digest_of, entries_between
from dispatch_api.patients.tables import AccessSealRow, PatientAccessRow


@dataclass(frozen=True, slots=True)
class Head:
    """The last seal of a company's chain: its number, from 1, and its digest."""

    number: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogVerdict:
    """What became of one company's log; `broken` is None when every seal holds."""

    company_id: UUID
    seals: int
    entries: int
    unsealed: int
    head: Head | None
    broken: str | None = None


async def verify_access_log(
    database: Database, company_id: UUID, witnessed: Head | None = None
) -> LogVerdict:
    """Compute every seal of a company again, as of one moment; the first broken one is named."""
    async with database.transaction(of_company(company_id), read_once=True) as session:
        return await _verify(session, company_id, witnessed)


async def _verify(session: AsyncSession, company_id: UUID, witnessed: Head | None) -> LogVerdict:
    query = (
        sa.select(AccessSealRow)
        .where(col(AccessSealRow.company_id) == company_id)
        .order_by(col(AccessSealRow.number))
    )
    digests: dict[int, str] = {}
    entries, before, after = 0, NO_DIGEST, NOTHING
    broken: str | None = None
    for seal in await session.scalars(query):
        broken = await _fault(session, seal, len(digests) + 1, before, after)
        if broken is not None:
            break
        digests[seal.number] = seal.digest.hex()
        entries += seal.entries
        before, after = seal.digest, seal.through_id
    broken = broken or _cut(digests, witnessed)
    return LogVerdict(
        company_id=company_id,
        seals=len(digests),
        entries=entries,
        unsealed=await _count_after(session, company_id, after) if broken is None else 0,
        head=Head(len(digests), before.hex()) if digests else None,
        broken=broken,
    )


async def _fault(
    session: AsyncSession, seal: AccessSealRow, number: int, before: bytes, after: UUID
) -> str | None:
    """What is wrong with this seal, in a sentence, or None."""
    if seal.number != number:
        return f"Seal {number} is missing."
    where = f"Seal {number} of {seal.sealed_at.isoformat(timespec='seconds')} is broken:"
    found = await entries_between(session, seal.company_id, after, seal.through_id)
    if len(found) != seal.entries:
        return f"{where} it covered {seal.entries} entries, and there are {len(found)}."
    if digest_of(before, seal.company_id, number, found) != seal.digest:
        return f"{where} an entry or the seal was changed."
    return None


def _cut(digests: Mapping[int, str], witnessed: Head | None) -> str | None:
    """Whether the chain lacks or contradicts a head that was verified before."""
    if witnessed is None or digests.get(witnessed.number) == witnessed.digest:
        return None
    if witnessed.number not in digests:
        return f"Seal {witnessed.number} was verified before and is missing: the end was cut off."
    return f"Seal {witnessed.number} is not the one that was verified before."


async def _count_after(session: AsyncSession, company_id: UUID, after: UUID) -> int:
    query = sa.select(sa.func.count()).where(
        col(PatientAccessRow.company_id) == company_id, col(PatientAccessRow.id) > after
    )
    return await session.scalar(query) or 0


def heads_of(witness: Mapping[str, Mapping[str, object]]) -> dict[UUID, Head]:
    """Heads from a witness file's JSON.

    Raises:
        ValueError, KeyError, TypeError: when it is none.

    """
    return {
        UUID(company_id): Head(int(str(head["number"])), str(head["digest"]))
        for company_id, head in witness.items()
    }
