"""Events of vehicles' positions; the key is the driver's id, and they are kept 72 hours at most."""

from __future__ import annotations

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from atmr_common.contracts.envelope import Event
from atmr_common.contracts.vocabulary import Code


class NextStop(BaseModel):
    """Where the vehicle goes next, without saying where that is.

    `remaining_s` are seconds of driving that dispatch-api computed; `source` names the travel
    times it used, and `degraded` why not better ones.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Code
    booking_id: UUID | None = None
    remaining_s: float = Field(ge=0, allow_inf_nan=False)
    source: Code
    degraded: Code | None = None


class PositionReported(Event):
    """A driver's device told where its vehicle is (WGS 84 degrees), and when it was there."""

    driver_id: UUID
    duty_id: UUID | None = None
    recorded_at: AwareDatetime
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    accuracy_m: float | None = Field(None, ge=0, allow_inf_nan=False)
    next_stop: NextStop | None = None
