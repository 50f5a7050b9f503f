"""What clients send and see of a vehicle and of its outages."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from dispatch_api.moments import Moment

EXAMPLE_ID = "0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10"
VEHICLE: dict[str, Any] = {
    "name": "VW 1",
    "plate": "GE 123 456",
    "seats": 5,
    "wheelchairs": 1,
    "stretchers": 0,
    "fold_seats_per_wheelchair": 2,
    "fold_seats_per_stretcher": 0,
    "equipment": ["ramp"],
    "inspection_expires_on": "2027-05-31",
}
OUTAGE: dict[str, Any] = {
    "starts_at": "2026-03-17T08:00:00+01:00",
    "ends_at": "2026-03-17T12:00:00+01:00",
    "reason": "winter tyres",
}
Name = Annotated[str, Field(min_length=1, max_length=80)]
Plate = Annotated[str, Field(max_length=20)]
Seats = Annotated[int, Field(ge=0, le=60, description="For people who sit, the driver's left out.")]
Spaces = Annotated[int, Field(ge=0, le=10)]
Folded = Annotated[int, Field(ge=0, le=10, description="Seats folded for each one on board.")]
Item = Annotated[str, Field(min_length=1, max_length=40)]
Equipment = Annotated[list[Item], Field(max_length=30)]


class NewVehicle(BaseModel):
    """A vehicle; at least one person must find room in it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [VEHICLE]})

    name: Name
    plate: Plate | None = None
    seats: Seats
    wheelchairs: Spaces = 0
    stretchers: Spaces = 0
    fold_seats_per_wheelchair: Folded = 0
    fold_seats_per_stretcher: Folded = 0
    equipment: Equipment = []
    inspection_expires_on: date | None = Field(None, description="The last day it may be driven.")

    @model_validator(mode="after")
    def has_room(self) -> Self:
        if not self.seats + self.wheelchairs + self.stretchers:
            raise ValueError("a vehicle without a seat, wheelchair or stretcher carries nobody")
        return self


class VehicleChange(BaseModel):
    """What to change of a vehicle; what is left out stays."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"inspection_expires_on": "2028-05-31"}]}
    )

    name: Name = ""
    plate: Plate | None = None
    seats: Seats = 0
    wheelchairs: Spaces = 0
    stretchers: Spaces = 0
    fold_seats_per_wheelchair: Folded = 0
    fold_seats_per_stretcher: Folded = 0
    equipment: Equipment = []
    inspection_expires_on: date | None = None


class Vehicle(BaseModel):
    """A vehicle; a retired one is not active and gets no new duties."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": EXAMPLE_ID,
                    **VEHICLE,
                    "active": True,
                    "version": 1,
                    "created_at": "2026-03-16T06:00:00Z",
                }
            ]
        },
    )

    id: UUID
    name: str
    plate: str | None
    seats: int
    wheelchairs: int
    stretchers: int
    fold_seats_per_wheelchair: int
    fold_seats_per_stretcher: int
    equipment: list[str]
    inspection_expires_on: date | None
    active: bool
    version: int
    created_at: AwareDatetime


class NewOutage(BaseModel):
    """A time out of service: garage, accident, inspection."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [OUTAGE]})

    starts_at: Moment
    ends_at: Moment
    reason: str = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def ends_after_start(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self


class VehicleOutage(BaseModel):
    """A time when a vehicle is out of service."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={"examples": [{"id": EXAMPLE_ID, "vehicle_id": EXAMPLE_ID, **OUTAGE}]},
    )

    id: UUID
    vehicle_id: UUID
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    reason: str
