"""What clients send and see of a shift and its breaks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dispatch_api.drivers.domain import Break
from dispatch_api.moments import Moment

EXAMPLE_ID = "0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10"
BREAK: dict[str, Any] = {
    "minutes": 45,
    "earliest": "2026-03-16T11:00:00+01:00",
    "latest": "2026-03-16T14:00:00+01:00",
}
TIMES: dict[str, Any] = {
    "starts_at": "2026-03-16T07:00:00+01:00",
    "ends_at": "2026-03-16T16:00:00+01:00",
}


class NewBreak(BaseModel):
    """A pause; without `earliest` or `latest` from the shift's start or until its end."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [BREAK]})

    minutes: float = Field(gt=0, le=480)
    earliest: Moment | None = None
    latest: Moment | None = None


Breaks = Annotated[list[NewBreak], Field(max_length=4)]


class NewShift(BaseModel):
    """When a driver works, at most 24 hours; the breaks are inside."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"driver_id": EXAMPLE_ID, **TIMES, "breaks": [BREAK]}]},
    )

    driver_id: UUID
    starts_at: Moment
    ends_at: Moment
    breaks: Breaks = []


class ShiftChange(BaseModel):
    """New times, new breaks, or both; duties in the shift must stay covered."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"ends_at": "2026-03-16T17:00:00+01:00"}]}
    )

    starts_at: Moment | None = None
    ends_at: Moment | None = None
    breaks: Breaks | None = None


class BreakView(BaseModel):
    """A pause of a shift."""

    model_config = ConfigDict(
        title="Break", from_attributes=True, json_schema_extra={"examples": [BREAK]}
    )

    minutes: float
    earliest: AwareDatetime
    latest: AwareDatetime


class ShiftView(BaseModel):
    """When a driver works."""

    model_config = ConfigDict(
        title="Shift",
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": EXAMPLE_ID,
                    "driver_id": EXAMPLE_ID,
                    **TIMES,
                    "breaks": [BREAK],
                    "version": 1,
                }
            ]
        },
    )

    id: UUID
    driver_id: UUID
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    breaks: list[BreakView]
    version: int


def breaks_within(
    breaks: Iterable[NewBreak], starts_at: datetime, ends_at: datetime
) -> tuple[Break, ...]:
    """The breaks of a shift, with the windows that were left open filled from its times."""
    return tuple(
        Break(
            minutes=pause.minutes,
            earliest=pause.earliest or starts_at,
            latest=pause.latest or ends_at,
        )
        for pause in breaks
    )
