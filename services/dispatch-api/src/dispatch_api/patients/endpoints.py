"""HTTP door of patients."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from atmr_common.web.access import Admin, Booker, Caller, Dispatcher, allow
from atmr_common.web.identity import Role
from atmr_common.web.pagination import CursorText, Limit, Page
from atmr_common.web.problems import responses
from dispatch_api.patients.erase_patient import Erase
from dispatch_api.patients.masking import SEES_IDENTITY
from dispatch_api.patients.schemas import (
    NewPatient,
    Patient,
    PatientAccessEntry,
    PatientChange,
    PatientSearch,
)
from dispatch_api.patients.service import Patients

router = APIRouter(prefix="/v1/patients", tags=["patients"])
AnyMember = Annotated[
    Caller, allow(Role.ADMIN, Role.DISPATCHER, Role.CLINIC, Role.DRIVER, Role.SERVICE)
]
SeesIdentity = Annotated[Caller, allow(*SEES_IDENTITY)]
OwnReference = Annotated[
    str | None, Query(max_length=64, description="The patient with this reference only.")
]


@router.post(
    "", status_code=201, operation_id="create_patient", responses=responses(401, 403, 409, 422)
)
async def create_patient(new: NewPatient, caller: Booker, patients: Patients) -> Patient:
    """Create a patient; what identifies a person is encrypted with a key of its own."""
    return await patients.create(caller, new)


@router.get("", operation_id="list_patients", responses=responses(401, 403, 422))
async def list_patients(
    caller: Booker,
    patients: Patients,
    reference: OwnReference = None,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[Patient]:
    """Patients in the order in which they were created."""
    return await patients.list(caller, reference, cursor, limit)


@router.post("/search", operation_id="search_patients", responses=responses(401, 403, 422))
async def search_patients(
    search: PatientSearch, caller: SeesIdentity, patients: Patients
) -> Page[Patient]:
    """Find patients by name or phone; every word must match."""
    return await patients.search(caller, search)


@router.get("/{patient_id}", operation_id="read_patient", responses=responses(401, 403, 404, 422))
async def read_patient(patient_id: UUID, caller: AnyMember, patients: Patients) -> Patient:
    """One patient; identifying fields are masked for drivers and services."""
    return await patients.get(caller, patient_id)


@router.patch(
    "/{patient_id}", operation_id="change_patient", responses=responses(401, 403, 404, 409, 422)
)
async def change_patient(
    patient_id: UUID, change: PatientChange, caller: Booker, patients: Patients
) -> Patient:
    """Change a patient; what is left out stays."""
    return await patients.change(caller, patient_id, change)


@router.delete(
    "/{patient_id}",
    status_code=204,
    operation_id="erase_patient",
    responses=responses(401, 403, 404, 409, 422),
)
async def erase_patient(patient_id: UUID, caller: Dispatcher, erase: Erase) -> None:
    """Erase for good: the key is destroyed, so that name, homes and notes are unreadable."""
    await erase(caller, patient_id)


@router.get(
    "/{patient_id}/accesses",
    operation_id="list_patient_accesses",
    responses=responses(401, 403, 404, 422),
)
async def list_patient_accesses(
    patient_id: UUID,
    caller: Admin,
    patients: Patients,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[PatientAccessEntry]:
    """Who was shown which identifying fields, the latest first; erasure does not shorten it."""
    return await patients.accesses(caller, patient_id, cursor, limit)
