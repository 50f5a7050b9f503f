"""A patient: a pseudonymous id outwards, an identity that is sealed, and who may see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from atmr_common.web.identity import Role

SEES_IDENTITY = frozenset({Role.ADMIN, Role.DISPATCHER, Role.CLINIC})
"""Drivers see a patient through their stops, around the time of the transport, and not here."""


def sees_identity(role: Role) -> bool:
    """Whether what identifies a patient is shown to this role, or masked."""
    return role in SEES_IDENTITY


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
