"""What clients send and see of drivers and absences."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from dispatch_api.drivers.domain import AbsenceReason, DriverKind
from dispatch_api.moments import Moment

EXAMPLE_ID = "0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10"
DRIVER: dict[str, Any] = {
    "name": "Ana Rochat",
    "kind": "regular",
    "subject": "ana.rochat",
    "credentials": [{"skill": "oxygen", "expires_on": "2027-01-31"}],
    "start_place_id": None,
}
ABSENCE: dict[str, Any] = {
    "starts_at": "2026-04-01T00:00:00+02:00",
    "ends_at": "2026-04-08T00:00:00+02:00",
    "reason": "holiday",
}
Name = Annotated[str, Field(min_length=1, max_length=120)]
Subject = Annotated[
    str, Field(min_length=1, max_length=200, description="`sub` of the driver's own token.")
]


class CredentialFields(BaseModel):
    """A skill and the last day on which its proof is valid; null for good."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    skill: str = Field(min_length=1, max_length=40, examples=["oxygen"])
    expires_on: date | None = None


Credentials = Annotated[list[CredentialFields], Field(max_length=30)]


class NewDriver(BaseModel):
    """A driver."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [DRIVER]})

    name: Name
    kind: DriverKind = DriverKind.REGULAR
    subject: Subject | None = None
    credentials: Credentials = []
    start_place_id: UUID | None = Field(
        None, description="Where duties of the driver begin and end that name no place."
    )


class DriverChange(BaseModel):
    """What to change of a driver; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"kind": "regular"}]})

    name: Name = ""
    kind: DriverKind = DriverKind.REGULAR
    subject: Subject | None = None
    credentials: Credentials = []
    start_place_id: UUID | None = None


class DriverView(BaseModel):
    """A driver; one who has left is not active and gets no new duties."""

    model_config = ConfigDict(
        title="Driver",
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": EXAMPLE_ID,
                    **DRIVER,
                    "active": True,
                    "version": 1,
                    "created_at": "2026-03-16T06:00:00Z",
                }
            ]
        },
    )

    id: UUID
    name: str
    kind: DriverKind
    subject: str | None
    credentials: list[CredentialFields]
    start_place_id: UUID | None
    active: bool
    version: int
    created_at: AwareDatetime


class NewAbsence(BaseModel):
    """A time when a driver is away."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [ABSENCE]})

    starts_at: Moment
    ends_at: Moment
    reason: AbsenceReason = AbsenceReason.OTHER

    @model_validator(mode="after")
    def ends_after_start(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self


class AbsenceView(BaseModel):
    """A time when a driver is away; never with a diagnosis."""

    model_config = ConfigDict(
        title="Absence",
        from_attributes=True,
        json_schema_extra={"examples": [{"id": EXAMPLE_ID, "driver_id": EXAMPLE_ID, **ABSENCE}]},
    )

    id: UUID
    driver_id: UUID
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    reason: AbsenceReason
