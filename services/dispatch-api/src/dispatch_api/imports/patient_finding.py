"""The patients of imported rows: found by reference, else created without a name."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from atmr_common.runtime.identifiers import new_id
from dispatch_api.patients.domain import PatientIdentity, StoredPatient
from dispatch_api.patients.repository import PatientRepository


class PatientFinder:
    """Finds or creates patients for one company, for many rows at once."""

    def __init__(self, repository: PatientRepository, company_id: UUID, *, by: str) -> None:
        self._repository = repository
        self._company_id = company_id
        self._by = by
        self._known: dict[str, UUID] = {}
        self._new: list[StoredPatient] = []

    async def load(self, references: Collection[str]) -> None:
        """Read the patients that are meant, in one query."""
        found = await self._repository.by_references(self._company_id, references)
        self._known = {reference: patient.id for reference, patient in found.items()}

    def find(self, reference: str, mobility: str, at: datetime) -> UUID:
        """The patient's id; `create` will insert a new one."""
        if reference not in self._known:
            patient = StoredPatient(
                id=new_id(),
                reference=reference,
                identity=PatientIdentity(),
                mobility=mobility,
                created_at=at,
                created_by=self._by,
            )
            self._new.append(patient)
            self._known[reference] = patient.id
        return self._known[reference]

    async def create(self, used: set[UUID]) -> None:
        """Insert the new patients that good rows need."""
        new = [patient for patient in self._new if patient.id in used]
        await self._repository.add_all(self._company_id, new)
