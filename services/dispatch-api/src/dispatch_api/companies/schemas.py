"""What clients send and see of a company."""

from __future__ import annotations

from typing import Annotated, Self
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from dispatch_api.companies.domain import DispatchMode


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no IANA time zone; Europe/Zurich is one") from error
    return name


Zone = Annotated[str, Field(max_length=64, examples=["Europe/Zurich"]), AfterValidator(_known_zone)]


class CompanySettings(BaseModel):
    """How a company works; each has a sensible default."""

    model_config = ConfigDict(extra="forbid")

    late_cancellation_min: int = Field(
        120, ge=0, le=2880, description="A cancellation within this time of the pickup is late."
    )
    no_show_wait_min: int = Field(
        5, ge=0, le=120, description="Waiting inside the window before a no-show."
    )
    pickup_window_min: int = Field(
        30, ge=1, le=480, description="Width of a pickup window of which one end is known."
    )
    early_arrival_min: int = Field(
        30, ge=0, le=240, description="How long before an appointment a patient may arrive."
    )
    solver_seconds: float | None = Field(
        None, ge=0, le=600, description="Search time of a dispatch run; the service's if null."
    )


class CompanyQuotas(BaseModel):
    """What a company may use in a day; null is the service's default."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"daily_bookings": 2000}]}
    )

    daily_bookings: int | None = Field(
        None, ge=0, le=1_000_000, description="Bookings that are requested or imported."
    )
    daily_solver_seconds: float | None = Field(
        None, ge=0, le=10_000_000, description="Search time of dispatch runs, in seconds."
    )


class NewCompany(BaseModel):
    """A company to be set up."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200, examples=["Transports du Lac"])
    zone: Zone = "Europe/Zurich"
    dispatch_mode: DispatchMode = DispatchMode.SEMI_AUTO
    settings: CompanySettings = CompanySettings()
    quotas: CompanyQuotas = CompanyQuotas()


class CompanyChange(BaseModel):
    """What to change of a company; what is left out stays."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"dispatch_mode": "auto"}]}
    )

    name: str | None = Field(None, min_length=1, max_length=200)
    zone: Zone | None = None
    dispatch_mode: DispatchMode | None = None
    settings: CompanySettings | None = None

    @model_validator(mode="after")
    def nothing_is_cleared(self) -> Self:
        empty = sorted(name for name in self.model_fields_set if getattr(self, name) is None)
        if empty:
            raise ValueError(f"{', '.join(empty)} cannot be null; leave out what stays")
        return self


class Company(BaseModel):
    """A company and its settings."""

    id: UUID = Field(examples=["0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10"])
    name: str = Field(examples=["Transports du Lac"])
    zone: str = Field(examples=["Europe/Zurich"])
    dispatch_mode: DispatchMode
    settings: CompanySettings
    quotas: CompanyQuotas
    version: int
