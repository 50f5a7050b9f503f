"""What clients send to move a booking on, and the short answer that a driver sees."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from dispatch_api.bookings.domain import BookingState
from dispatch_api.bookings.schemas import Moment

Reason = Annotated[str, Field(min_length=3, max_length=250)]


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [values]})


class Cancellation(BaseModel):
    """Why a transport will not take place; who and when are known."""

    model_config = _example(reason="hospital stay")

    reason: Reason


class Readiness(BaseModel):
    """A will-call patient is ready, now if `ready_at` is left out."""

    model_config = _example(ready_at="2026-03-16T13:20:00+01:00")

    ready_at: Moment | None = None


class Progress(StrEnum):
    """What a crew reports; `assigned` means that an en-route vehicle was diverted."""

    EN_ROUTE = "en_route"
    ARRIVED = "arrived"
    ON_BOARD = "on_board"
    COMPLETED = "completed"
    ASSIGNED = "assigned"


class ProgressReport(BaseModel):
    """Where a crew is with a booking, now if `at` is left out."""

    model_config = _example(state="arrived", at="2026-03-16T08:12:00+01:00")

    state: Progress
    at: Moment | None = None


class NoShowReport(BaseModel):
    """The patient did not come: the crew called, and waited."""

    model_config = _example(called=True, remark="nobody at the door")

    called: Literal[True] = Field(description="The patient or the clinic was called.")
    remark: Reason | None = None


class Hold(BaseModel):
    """Why a dispatcher has to decide before the booking is planned."""

    model_config = _example(reason="waits for the doctor's call")

    reason: Reason


class DutyLock(BaseModel):
    """A dispatcher's pin: only this duty may take the booking."""

    model_config = _example(duty_id="0193b082-4d1c-7c2e-9a55-1f6f0f3c9d41")

    duty_id: UUID


class BookingStatus(BaseModel):
    """A booking's state, without anything about the patient."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10",
                    "state": "arrived",
                    "on_hold": False,
                    "version": 5,
                }
            ]
        }
    )

    id: UUID
    state: BookingState
    on_hold: bool
    version: int


class NoShow(BookingStatus):
    """A no-show, and the later legs of the patient's day that wait for a dispatcher."""

    held_booking_ids: list[UUID] = []
