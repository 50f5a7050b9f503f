"""What clients send and see of a patient."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dispatch_api.bookings.domain import Mobility

EXAMPLE_ID = "0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10"
IDENTITY: dict[str, str | int] = {
    "name": "Élise Mercier",
    "phone": "+41 22 555 01 23",
    "birth_year": 1948,
    "notes": "Hard of hearing; ring twice.",
}
Name = Annotated[str, Field(min_length=1, max_length=200)]
Phone = Annotated[str, Field(max_length=40, pattern=r"^\+?[\d\s./()\-]+$")]
BirthYear = Annotated[int, Field(ge=1880, le=2200)]
Notes = Annotated[str, Field(max_length=2000)]
Reference = Annotated[
    str, Field(min_length=1, max_length=64, description="The client's own id, never a name.")
]


class NewPatient(BaseModel):
    """A patient; name, phone, birth year and notes are sealed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"reference": "P-1042", "mobility": "wheelchair", **IDENTITY}]
        },
    )

    reference: Reference | None = None
    mobility: Mobility = Mobility.AMBULATORY
    name: Name
    phone: Phone | None = None
    birth_year: BirthYear | None = None
    notes: Notes | None = None


class PatientChange(BaseModel):
    """What to change of a patient; what is left out stays, null empties a field."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"phone": "+41 22 555 01 99"}]}
    )

    reference: Reference | None = None
    mobility: Mobility = Mobility.AMBULATORY
    name: Name | None = None
    phone: Phone | None = None
    birth_year: BirthYear | None = None
    notes: Notes | None = None


class PatientSearch(BaseModel):
    """Whom to look for; in a body, since names do not belong into URLs, which are logged."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "mercier el", "limit": 20}]}
    )

    text: str = Field(
        min_length=1,
        max_length=200,
        description="Words of the name, or their first three letters or more; a phone number.",
    )
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=500)


class Patient(BaseModel):
    """A patient; identifying fields are null where `masked` (by role) or `erased`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": EXAMPLE_ID,
                    "reference": "P-1042",
                    "mobility": "wheelchair",
                    "masked": False,
                    "erased": False,
                    "version": 1,
                    "created_at": "2026-03-16T06:00:00Z",
                    **IDENTITY,
                }
            ]
        }
    )

    id: UUID
    reference: str | None
    mobility: Mobility
    name: str | None = None
    phone: str | None = None
    birth_year: int | None = None
    notes: str | None = None
    masked: bool
    erased: bool
    version: int
    created_at: AwareDatetime


class PatientAccessEntry(BaseModel):
    """One read of identifying fields."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": EXAMPLE_ID,
                    "patient_id": EXAMPLE_ID,
                    "subject": "m.favre",
                    "role": "dispatcher",
                    "at": "2026-03-16T06:00:00Z",
                    "fields": ["name", "phone"],
                }
            ]
        }
    )

    id: UUID
    patient_id: UUID
    subject: str
    role: str
    at: AwareDatetime
    fields: list[str]
