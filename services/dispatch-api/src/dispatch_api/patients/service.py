"""Use cases of patients; every read of what identifies a person is on record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Annotated
from uuid import UUID

from fastapi import Depends

from atmr_common.database.session import Session
from atmr_common.runtime.identifiers import new_id
from atmr_common.web.access import Caller
from atmr_common.web.entity_versions import require_version
from atmr_common.web.pagination import Page, decode_id_cursor, page_by_id
from atmr_common.web.problems import FieldProblem, InvalidError, NotFoundError
from dispatch_api.patients.domain import (
    IDENTIFYING,
    PatientAccess,
    PatientIdentity,
    StoredPatient,
    values_of,
)
from dispatch_api.patients.errors import PatientErasedError
from dispatch_api.patients.masking import sees_identity
from dispatch_api.patients.repository import PatientRepository
from dispatch_api.patients.schemas import (
    NewPatient,
    Patient,
    PatientAccessEntry,
    PatientChange,
    PatientSearch,
)
from dispatch_api.patients.search_words import wanted_words
from dispatch_api.patients.sight import sight_of
from dispatch_api.ports import Ports, PortsDep
from dispatch_api.uniqueness import unique

REFERENCE_TAKEN = "Another patient has this reference; choose another one."


class PatientService:
    """What can be done with patients, apart from erasing one (`erase_patient.py`)."""

    def __init__(self, session: Session, ports: Ports) -> None:
        self._session = session
        self._patients = PatientRepository(session, ports.vault)
        self._clock = ports.clock

    async def create(self, caller: Caller, new: NewPatient) -> Patient:
        values = new.model_dump()
        identity = PatientIdentity(**{name: values.pop(name) for name in IDENTIFYING})
        patient = StoredPatient(
            id=new_id(),
            identity=identity,
            created_at=self._clock.now(),
            created_by=caller.subject,
            **values,
        )
        async with unique(self._session, REFERENCE_TAKEN):
            await self._patients.add_all(caller.company_id, [patient])
        return (await self._shown(caller, [patient]))[0]

    async def get(self, caller: Caller, patient_id: UUID) -> Patient:
        patient = await self._patients.find(
            caller.company_id, patient_id, known_to=sight_of(caller)
        )
        return (await self._shown(caller, [_found(patient, patient_id)]))[0]

    async def list(
        self, caller: Caller, reference: str | None, cursor: str | None, limit: int
    ) -> Page[Patient]:
        found = await self._patients.list(
            caller.company_id,
            reference=reference,
            known_to=sight_of(caller),
            after=decode_id_cursor(cursor),
            limit=limit + 1,
        )
        return await self._page(caller, found, limit)

    async def search(self, caller: Caller, search: PatientSearch) -> Page[Patient]:
        """By name or phone through the blind index: nothing is opened but what matches."""
        wanted = wanted_words(search.text)
        if not wanted:
            field = FieldProblem(pointer="#/body/text", detail="no word and no phone number")
            raise InvalidError("Give a name or a phone number.", errors=[field])
        found = await self._patients.list(
            caller.company_id,
            wanted=wanted,
            known_to=sight_of(caller),
            after=decode_id_cursor(search.cursor),
            limit=search.limit + 1,
        )
        return await self._page(caller, found, search.limit)

    async def change(
        self, caller: Caller, patient_id: UUID, change: PatientChange, seen: int | None
    ) -> Patient:
        found = await self._patients.find(
            caller.company_id, patient_id, lock=True, known_to=sight_of(caller)
        )
        patient = _found(found, patient_id)
        require_version(patient.version, seen, "patient")
        if patient.identity is None:
            raise PatientErasedError(f"Patient {patient_id} was erased; create a new one.")
        values = change.model_dump(exclude_unset=True)
        identity = {name: values.pop(name) for name in IDENTIFYING if name in values}
        changed = replace(
            patient,
            identity=replace(patient.identity, **identity),
            version=patient.version + 1,
            **values,
        )
        async with unique(self._session, REFERENCE_TAKEN):
            await self._patients.update(caller.company_id, changed)
        return (await self._shown(caller, [changed]))[0]

    async def accesses(
        self, caller: Caller, patient_id: UUID, cursor: str | None, limit: int
    ) -> Page[PatientAccessEntry]:
        """Who was shown what of this patient."""
        _found(await self._patients.find(caller.company_id, patient_id), patient_id)
        found = await self._patients.accesses(
            caller.company_id, patient_id, after=decode_id_cursor(cursor), limit=limit + 1
        )
        page = page_by_id(found, limit)
        entries = [PatientAccessEntry.model_validate(values_of(access)) for access in page.items]
        return Page(items=entries, next_cursor=page.next_cursor)

    async def record_access(
        self, caller: Caller, shown: Iterable[tuple[UUID, tuple[str, ...]]]
    ) -> None:
        """Put on record that the caller was shown fields of patients."""
        accesses = [
            PatientAccess(
                id=new_id(),
                patient_id=patient_id,
                subject=caller.subject,
                role=caller.role,
                at=self._clock.now(),
                fields=fields,
            )
            for patient_id, fields in shown
            if fields
        ]
        await self._patients.record_access(caller.company_id, accesses)

    async def _page(
        self, caller: Caller, found: Sequence[StoredPatient], limit: int
    ) -> Page[Patient]:
        page = page_by_id(found, limit)
        return Page(items=await self._shown(caller, page.items), next_cursor=page.next_cursor)

    async def _shown(self, caller: Caller, patients: Sequence[StoredPatient]) -> Sequence[Patient]:
        """The patients as the caller may see them; what is shown is put on record."""
        seen = sees_identity(caller.role)
        if seen:
            await self.record_access(caller, [(p.id, _present(p.identity)) for p in patients])
        return [_view(patient, seen=seen) for patient in patients]


def _found(patient: StoredPatient | None, patient_id: UUID) -> StoredPatient:
    if patient is None:
        raise NotFoundError(f"There is no patient {patient_id}.")
    return patient


def _present(identity: PatientIdentity | None) -> tuple[str, ...]:
    if identity is None:
        return ()
    return tuple(name for name in IDENTIFYING if getattr(identity, name) is not None)


def _view(patient: StoredPatient, *, seen: bool) -> Patient:
    values = values_of(patient)
    identity: PatientIdentity | None = values.pop("identity")
    shown = asdict(identity) if seen and identity else {}
    return Patient.model_validate(
        {**values, **shown, "masked": not seen, "erased": identity is None}
    )


def patient_service(session: Session, ports: PortsDep) -> PatientService:
    return PatientService(session, ports)


Patients = Annotated[PatientService, Depends(patient_service)]
