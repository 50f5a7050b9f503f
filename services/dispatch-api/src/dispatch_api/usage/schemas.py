"""What clients see of a company's use."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, Field

from dispatch_api.companies.schemas import CompanyQuotas


class UsageOfDay(BaseModel):
    """What was used on one day, in the company's zone."""

    day: date
    bookings: int = Field(description="Requested or imported on this day, whenever they are for.")
    solver_seconds: float = Field(description="Search time of dispatch runs.")


class Usage(BaseModel):
    """What a company has used, and what it may use per day."""

    quotas: CompanyQuotas = Field(description="Per day; null: no limit.")
    today: UsageOfDay
    resets_at: datetime = Field(description="When the next day begins.")
    days: list[UsageOfDay] = Field(description="With any use, the latest first.")
