"""Patients in the database: sealed on the way in, opened on the way out, found by blind index."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from dispatch_api.patients.domain import (
    PatientAccess,
    PatientIdentity,
    StoredPatient,
    values_of,
)
from dispatch_api.patients.search_words import index_words
from dispatch_api.patients.sight import Condition
from dispatch_api.patients.tables import PatientAccessRow, PatientRow, PatientTokenRow
from dispatch_api.patients.vault import PatientVault, version_of

Rows = list[dict[str, Any]]


class PatientRepository:
    """Reads and writes patients within one session."""

    def __init__(self, session: AsyncSession, vault: PatientVault) -> None:
        self._session = session
        self._vault = vault

    async def add_all(self, company_id: UUID, patients: Sequence[StoredPatient]) -> None:
        """Insert patients, each with a data key of its own."""
        rows: Rows = []
        tokens: Rows = []
        for patient in patients:
            key = self._vault.new_data_key(patient.id)
            rows.append(self._row(company_id, patient, key))
            tokens += self._tokens(company_id, patient, version_of(key))
        if rows:
            await self._session.execute(sa.insert(PatientRow), rows)
        if tokens:
            await self._session.execute(sa.insert(PatientTokenRow), tokens)

    async def update(self, company_id: UUID, patient: StoredPatient) -> None:
        """Write a patient that was read under a lock and is not erased; the key is renewed."""
        keys = await self.data_keys(company_id, [patient.id])
        key = self._vault.rewrapped(keys[patient.id], patient.id)
        row = self._row(company_id, patient, key)
        await self._session.execute(_update(company_id, patient.id).values(row))
        await self._forget_tokens(company_id, patient.id)
        tokens = self._tokens(company_id, patient, version_of(key))
        if tokens:
            await self._session.execute(sa.insert(PatientTokenRow), tokens)

    async def erase(self, company_id: UUID, patient_id: UUID) -> None:
        """Destroy the data key and what was sealed under it here; only the id stays."""
        nothing = {"data_key": None, "sealed": None, "reference": None}
        await self._session.execute(
            _update(company_id, patient_id).values(version=PatientRow.version + 1, **nothing)
        )
        await self._forget_tokens(company_id, patient_id)

    async def find(
        self,
        company_id: UUID,
        patient_id: UUID,
        *,
        lock: bool = False,
        known_to: Condition | None = None,
    ) -> StoredPatient | None:
        """The patient; `known_to` is the condition that the caller knows of them."""
        query = _of_company(company_id, known_to).where(col(PatientRow.id) == patient_id)
        row = await self._session.scalar(query.with_for_update() if lock else query)
        return self._view(row) if row else None

    async def by_references(
        self, company_id: UUID, references: Collection[str]
    ) -> dict[str, StoredPatient]:
        """Those of the company by the client's own ids."""
        query = _of_company(company_id).where(col(PatientRow.reference).in_(references))
        rows = await self._session.scalars(query)
        return {row.reference: self._view(row) for row in rows if row.reference is not None}

    async def list(
        self,
        company_id: UUID,
        *,
        reference: str | None = None,
        wanted: Iterable[Collection[str]] = (),
        known_to: Condition | None = None,
        after: UUID | None,
        limit: int,
    ) -> Sequence[StoredPatient]:
        """By age of the record; of each entry of `wanted`, one word at least must be theirs."""
        query = _of_company(company_id, known_to)
        if reference is not None:
            query = query.where(col(PatientRow.reference) == reference)
        for words in wanted:
            tokens = [token for word in words for token in self._vault.tokens(company_id, word)]
            found = sa.select(col(PatientTokenRow.patient_id)).where(
                col(PatientTokenRow.company_id) == company_id,
                col(PatientTokenRow.token).in_(tokens),
            )
            query = query.where(col(PatientRow.id).in_(found))
        if after is not None:
            query = query.where(col(PatientRow.id) > after)
        rows = await self._session.scalars(query.order_by(col(PatientRow.id)).limit(limit))
        return [self._view(row) for row in rows]

    async def data_keys(self, company_id: UUID, patient_ids: Iterable[UUID]) -> dict[UUID, bytes]:
        """The wrapped keys of patients who are not erased, held so that an erasure waits."""
        wanted = sorted(set(patient_ids))
        if not wanted:
            return {}
        query = (
            sa.select(col(PatientRow.id), col(PatientRow.data_key))
            .where(
                col(PatientRow.company_id) == company_id,
                col(PatientRow.id).in_(wanted),
                col(PatientRow.data_key).is_not(None),
            )
            .order_by(col(PatientRow.id))
            .with_for_update(read=True)
        )
        rows = await self._session.execute(query)
        return {patient_id: key for patient_id, key in rows if key is not None}

    async def record_access(self, company_id: UUID, accesses: Sequence[PatientAccess]) -> None:
        """Append to the log of reads; nothing here changes or deletes what stands there."""
        rows = [
            values_of(access) | {"company_id": company_id, "fields": list(access.fields)}
            for access in accesses
        ]
        if rows:
            await self._session.execute(sa.insert(PatientAccessRow), rows)

    async def accesses(
        self, company_id: UUID, patient_id: UUID, *, after: UUID | None, limit: int
    ) -> Sequence[PatientAccess]:
        """Who was shown what, the latest first."""
        query = sa.select(PatientAccessRow).where(
            col(PatientAccessRow.company_id) == company_id,
            col(PatientAccessRow.patient_id) == patient_id,
        )
        if after is not None:
            query = query.where(col(PatientAccessRow.id) < after)
        query = query.order_by(col(PatientAccessRow.id).desc()).limit(limit)
        rows = await self._session.scalars(query)
        return [PatientAccess(**row.model_dump(exclude={"company_id"})) for row in rows]

    async def _forget_tokens(self, company_id: UUID, patient_id: UUID) -> None:
        query = sa.delete(PatientTokenRow).where(
            col(PatientTokenRow.company_id) == company_id,
            col(PatientTokenRow.patient_id) == patient_id,
        )
        await self._session.execute(query)

    def _row(self, company_id: UUID, patient: StoredPatient, key: bytes) -> dict[str, Any]:
        row = values_of(patient)
        identity = row.pop("identity") or PatientIdentity()
        sealed = self._vault.seal(key, patient.id, asdict(identity))
        wrapped = {"data_key": key, "key_version": version_of(key)}
        return row | wrapped | {"company_id": company_id, "sealed": sealed}

    def _tokens(self, company_id: UUID, patient: StoredPatient, version: int) -> Rows:
        identity = patient.identity or PatientIdentity()
        return token_rows(self._vault, company_id, patient.id, identity, version)

    def _view(self, row: PatientRow) -> StoredPatient:
        identity = None
        if row.data_key is not None:
            opened = self._vault.open(row.data_key, row.id, row.sealed) if row.sealed else {}
            identity = PatientIdentity(**opened)
        values = row.model_dump(exclude={"company_id", "data_key", "key_version", "sealed"})
        return StoredPatient(identity=identity, **values)


def token_rows(
    vault: PatientVault,
    company_id: UUID,
    patient_id: UUID,
    identity: PatientIdentity,
    version: int,
) -> Rows:
    """The blind index of one patient under `version`, which is that of the data key too."""
    own = {"company_id": company_id, "patient_id": patient_id, "key_version": version}
    words = index_words(identity.name, identity.phone)
    return [own | {"token": vault.token(company_id, word, version)} for word in words]


def _of_company(company_id: UUID, known_to: Condition | None = None) -> sa.Select[PatientRow]:
    query = sa.select(PatientRow).where(col(PatientRow.company_id) == company_id)
    if known_to is not None:
        query = query.where(known_to)
    return query.execution_options(populate_existing=True)


def _update(company_id: UUID, patient_id: UUID) -> sa.Update:
    return sa.update(PatientRow).where(
        col(PatientRow.company_id) == company_id, col(PatientRow.id) == patient_id
    )
