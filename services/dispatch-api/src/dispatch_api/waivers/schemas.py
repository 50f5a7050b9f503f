"""What clients send and see of a waiver."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator


class WaivableRule(StrEnum):
    """The service rules of the engine; physical rules cannot be waived."""

    WINDOW = "window"
    RIDE_TIME = "ride_time"
    SHIFT = "shift"
    DURATION = "duration"
    BREAK = "break"

    @property
    def about_booking(self) -> bool:
        """Whether a booking breaches it; else a duty does."""
        return self in {WaivableRule.WINDOW, WaivableRule.RIDE_TIME}


class NewWaiver(BaseModel):
    """Leave to breach one service rule on one day, as far as `excess_min`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "day": "2026-03-16",
                    "rule": "window",
                    "booking_id": "0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10",
                    "excess_min": 12,
                    "reason": "The clinic was told and agrees to 09:12.",
                }
            ]
        },
    )

    day: date
    rule: WaivableRule
    booking_id: UUID | None = None
    duty_id: UUID | None = None
    excess_min: float = Field(gt=0, le=720)
    reason: str = Field(min_length=3, max_length=300)

    @model_validator(mode="after")
    def one_subject(self) -> Self:
        wanted = "booking_id" if self.rule.about_booking else "duty_id"
        other = "duty_id" if self.rule.about_booking else "booking_id"
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise ValueError(f"a waiver of {self.rule} names a {wanted}, and no {other}")
        return self


class Waiver(BaseModel):
    """A waiver with who granted it and when."""

    id: UUID
    day: date
    rule: WaivableRule
    booking_id: UUID | None
    duty_id: UUID | None
    excess_min: float = Field(examples=[12.0])
    reason: str = Field(examples=["The clinic was told and agrees to 09:12."])
    granted_by: str = Field(examples=["m.favre"])
    granted_at: AwareDatetime
