"""HTTP door of patients."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from atmr_common.web.access import (
    Caller,
    PatientAuditor,
    PatientEraser,
    PatientReader,
    PatientViewer,
    PatientWriter,
    allow,
)
from atmr_common.web.entity_versions import SeenVersion, tagged
from atmr_common.web.idempotency import CHANGES_NOTHING, IdempotentRoute
from atmr_common.web.pagination import CursorText, Limit, Page
from atmr_common.web.problems import responses
from atmr_common.web.scopes import Scope
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

router = APIRouter(prefix="/v1/patients", tags=["patients"], route_class=IdempotentRoute)
SeesIdentity = Annotated[Caller, allow(*SEES_IDENTITY, scope=Scope.PATIENTS_READ)]
OwnReference = Annotated[
    str | None, Query(max_length=64, description="The patient with this reference only.")
]


@router.post(
    "", status_code=201, operation_id="create_patient", responses=responses(401, 403, 409, 422)
)
async def create_patient(
    new: NewPatient, caller: PatientWriter, patients: Patients, response: Response
) -> Patient:
    """Create a patient; what identifies a person is encrypted with a key of its own."""
    return tagged(response, await patients.create(caller, new))


@router.get("", operation_id="list_patients", responses=responses(401, 403, 422))
async def list_patients(
    caller: PatientReader,
    patients: Patients,
    reference: OwnReference = None,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[Patient]:
    """In the order of their creation; a clinic sees whom it created or has booked for."""
    return await patients.list(caller, reference, cursor, limit)


@router.post(
    "/search",
    operation_id="search_patients",
    responses=responses(401, 403, 422),
    openapi_extra=CHANGES_NOTHING,
)
async def search_patients(
    search: PatientSearch, caller: SeesIdentity, patients: Patients
) -> Page[Patient]:
    """Find patients by name or phone; every word must match. A clinic finds its own only."""
    return await patients.search(caller, search)


@router.get("/{patient_id}", operation_id="read_patient", responses=responses(401, 403, 404, 422))
async def read_patient(
    patient_id: UUID, caller: PatientViewer, patients: Patients, response: Response
) -> Patient:
    """One patient; identifying fields are masked for drivers and services."""
    return tagged(response, await patients.get(caller, patient_id))


@router.patch(
    "/{patient_id}",
    operation_id="change_patient",
    responses=responses(401, 403, 404, 409, 412, 422),
)
async def change_patient(
    patient_id: UUID,
    change: PatientChange,
    caller: PatientWriter,
    patients: Patients,
    version: SeenVersion,
    response: Response,
) -> Patient:
    """Change a patient; what is left out stays."""
    return tagged(response, await patients.change(caller, patient_id, change, version))


@router.delete(
    "/{patient_id}",
    status_code=204,
    operation_id="erase_patient",
    responses=responses(401, 403, 404, 409, 422),
)
async def erase_patient(patient_id: UUID, caller: PatientEraser, erase: Erase) -> None:
    """Erase for good: the key is destroyed, so that name, homes and notes are unreadable."""
    await erase(caller, patient_id)


@router.get(
    "/{patient_id}/accesses",
    operation_id="list_patient_accesses",
    responses=responses(401, 403, 404, 422),
)
async def list_patient_accesses(
    patient_id: UUID,
    caller: PatientAuditor,
    patients: Patients,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[PatientAccessEntry]:
    """Who was shown which identifying fields, the latest first; erasure does not shorten it."""
    return await patients.accesses(caller, patient_id, cursor, limit)
