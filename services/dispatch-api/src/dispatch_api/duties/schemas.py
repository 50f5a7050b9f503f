"""What clients send and see of a duty."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from dispatch_api.drivers.shift_schemas import BREAK, Breaks
from dispatch_api.moments import Moment

EXAMPLE_ID = "0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10"
LONGEST = timedelta(hours=24)
DUTY: dict[str, Any] = {
    "name": "D1",
    "vehicle_id": EXAMPLE_ID,
    "crew": [EXAMPLE_ID],
    "starts_at": "2026-03-16T07:00:00+01:00",
    "ends_at": "2026-03-16T16:00:00+01:00",
    "start_place_id": None,
    "end_place_id": None,
}
Name = Annotated[str, Field(min_length=1, max_length=80, description="Unique on its day.")]
Crew = Annotated[
    list[UUID], Field(min_length=1, max_length=2, description="Drivers; the first one drives.")
]


class NewDuty(BaseModel):
    """A vehicle with one or two crew for a time, at most 24 hours.

    A start or end place that is left out is the first driver's own; null means none: the route
    then begins or ends at its first or last stop.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [DUTY | {"create_shifts": True, "breaks": [BREAK]}]},
    )

    name: Name
    vehicle_id: UUID
    crew: Crew
    starts_at: Moment
    ends_at: Moment
    start_place_id: UUID | None = None
    end_place_id: UUID | None = None
    create_shifts: bool = Field(
        default=False, description="Make a shift of these times for each of the crew without one."
    )
    breaks: Breaks = Field(default=[], description="Breaks of the shifts that are made.")

    @model_validator(mode="after")
    def is_workable(self) -> Self:
        if not timedelta() < self.ends_at - self.starts_at <= LONGEST:
            raise ValueError("a duty ends after it starts, and within 24 hours")
        if len(set(self.crew)) < len(self.crew):
            raise ValueError("crew names one driver twice")
        if self.breaks and not self.create_shifts:
            raise ValueError("breaks belong to shifts; send create_shifts, or change the shift")
        return self


class DutyChange(BaseModel):
    """What to change of a duty, within its day; what is left out stays."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"vehicle_id": EXAMPLE_ID}]}
    )

    name: Name | None = None
    vehicle_id: UUID | None = None
    crew: Crew | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    start_place_id: UUID | None = None
    end_place_id: UUID | None = None

    @model_validator(mode="after")
    def keeps_what_it_needs(self) -> Self:
        needed = self.model_fields_set - {"start_place_id", "end_place_id"}
        empty = sorted(name for name in needed if getattr(self, name) is None)
        if empty:
            raise ValueError(f"{', '.join(empty)} cannot be null; leave out what stays")
        if self.crew and len(set(self.crew)) < len(self.crew):
            raise ValueError("crew names one driver twice")
        return self


class Duty(BaseModel):
    """A duty; `day` is the company's local day on which it starts."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": EXAMPLE_ID,
                    "day": "2026-03-16",
                    **DUTY,
                    "cancelled_at": None,
                    "version": 1,
                    "created_at": "2026-03-15T06:00:00Z",
                }
            ]
        },
    )

    id: UUID
    name: str
    day: date
    vehicle_id: UUID
    crew: list[UUID]
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    start_place_id: UUID | None
    end_place_id: UUID | None
    cancelled_at: AwareDatetime | None
    version: int
    created_at: AwareDatetime
