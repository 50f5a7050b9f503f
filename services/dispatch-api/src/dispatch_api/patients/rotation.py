"""Rotates the patient key: data keys are wrapped anew and the blind index is written anew.

What is sealed under a data key (names, homes, notes of bookings) stays as it is, since the data key
itself does not change. Each batch is one transaction, so that a rotation can stop anywhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from atmr_common.database.engine import Database
from atmr_common.database.tenancy import of_company
from dispatch_api.patients.domain import PatientIdentity
from dispatch_api.patients.key_versions import all_companies
from dispatch_api.patients.repository import token_rows
from dispatch_api.patients.tables import PatientRow, PatientTokenRow
from dispatch_api.patients.vault import PatientVault

BATCH = 500
NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class RotatedBatch:
    """What one transaction did; both are counts."""

    patients: int
    tokens: int


async def rotate_keys(
    database: Database, vault: PatientVault, *, batch: int = BATCH
) -> AsyncIterator[RotatedBatch]:
    """Bring every patient to the vault's current version, `batch` patients a transaction.

    Rows are locked as an erasure and a change lock them, so that both wait or are waited for.

    Raises:
        UnknownKeyVersionError: for a patient whose version the vault lacks; that batch is undone.

    """
    for company_id in await all_companies(database):
        after: UUID | None = NOBODY
        while after is not None:
            async with database.transaction(of_company(company_id)) as session:
                found = await _outdated(session, vault, company_id, after, batch)
                done = await _rotate_batch(session, vault, company_id, found)
            if found:
                yield done
            after = found[-1].id if found else _again(after)


def _again(after: UUID) -> UUID | None:
    """From the beginning once more, until a whole pass has found nobody."""
    return NOBODY if after != NOBODY else None


async def _outdated(
    session: AsyncSession, vault: PatientVault, company_id: UUID, after: UUID, batch: int
) -> Sequence[Any]:
    """The next patients under an older version, locked in the order of their ids."""
    query = (
        sa.select(col(PatientRow.id), col(PatientRow.data_key), col(PatientRow.sealed))
        .where(
            col(PatientRow.company_id) == company_id,
            col(PatientRow.data_key).is_not(None),
            col(PatientRow.key_version) < vault.current,
            col(PatientRow.id) > after,
        )
        .order_by(col(PatientRow.id))
        .limit(batch)
        .with_for_update()
    )
    return (await session.execute(query)).all()


async def _rotate_batch(
    session: AsyncSession, vault: PatientVault, company_id: UUID, found: Sequence[Any]
) -> RotatedBatch:
    if not found:
        return RotatedBatch(0, 0)
    tokens = [row for patient in found for row in _tokens(vault, company_id, *patient)]
    await _replace_tokens(session, company_id, [patient.id for patient in found], tokens)
    wrapped = [
        {"p_id": patient.id, "p_key": vault.rewrapped(patient.data_key, patient.id)}
        for patient in found
    ]
    update = (
        sa.update(PatientRow.__table__)  # type: ignore[attr-defined]  # SQLModel's own, untyped
        .where(col(PatientRow.company_id) == company_id, col(PatientRow.id) == sa.bindparam("p_id"))
        .values(data_key=sa.bindparam("p_key"), key_version=vault.current)
    )
    await session.execute(update, wrapped)
    return RotatedBatch(len(found), len(tokens))


def _tokens(
    vault: PatientVault, company_id: UUID, patient_id: UUID, data_key: bytes, sealed: bytes | None
) -> Sequence[dict[str, Any]]:
    opened = vault.open(data_key, patient_id, sealed) if sealed else {}
    identity = PatientIdentity(**opened)
    return token_rows(vault, company_id, patient_id, identity, vault.current)


async def _replace_tokens(
    session: AsyncSession,
    company_id: UUID,
    patient_ids: Sequence[UUID],
    tokens: Sequence[dict[str, Any]],
) -> None:
    old = sa.delete(PatientTokenRow).where(
        col(PatientTokenRow.company_id) == company_id,
        col(PatientTokenRow.patient_id).in_(patient_ids),
    )
    await session.execute(old)
    if tokens:
        await session.execute(sa.insert(PatientTokenRow), list(tokens))
