"""A patient: a pseudonymous id outwards, an identity that is sealed, and who was shown it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientIdentity:
    """What identifies a person; sealed wherever it is kept."""

    name: str | None = None
    phone: str | None = None
    birth_year: int | None = None
    notes: str | None = None


IDENTIFYING = tuple(PatientIdentity.__slots__)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPatient:
    """A patient as the database keeps one, opened; `identity` is None once erased."""

    id: UUID
    reference: str | None
    identity: PatientIdentity | None
    mobility: str
    created_at: datetime
    created_by: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientAccess:
    """Who was shown which identifying fields of a patient, and when."""

    id: UUID
    patient_id: UUID
    subject: str
    role: str
    at: datetime
    fields: tuple[str, ...]


def values_of(entry: StoredPatient | PatientAccess) -> dict[str, Any]:
    """Its fields by name, as they are; `asdict` would copy each id, which takes far longer."""
    return {name: getattr(entry, name) for name in type(entry).__slots__}
