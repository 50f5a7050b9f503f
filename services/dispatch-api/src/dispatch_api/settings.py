"""dispatch-api's settings: what every service has, and what only this one needs."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, HttpUrl, SecretStr

from atmr_common.runtime.settings import ServiceSettings
from atmr_common.travel.settings import OsrmSettings, TravelSettings
from dispatch_api.companies.schemas import CompanyQuotas


class DispatchSettings(ServiceSettings):
    """Read from the environment; every name starts with ATMR_ but DATABASE_URL."""

    port: int = Field(8000, ge=0, le=65535, description="Port of the dispatch API.")
    patient_key_file: Path | None = Field(
        None, description="File with the keys that protect patients' data, one version per line."
    )
    patient_key: SecretStr | None = Field(
        None, description="The same inline; one key alone is base64 of 32 bytes. The file wins."
    )
    places_index: Path | None = Field(
        None, description="Offline geocoding index (`atmr places build`)."
    )
    osrm_url: HttpUrl | None = Field(
        None, description="OSRM server; without one, great-circle times."
    )
    osrm_profile: str = Field("driving", description="OSRM profile.")
    osrm_dataset: str = Field(
        "unversioned", description="Names OSRM's map and its date; a new name empties the cache."
    )
    osrm_block_size: int = Field(
        100, ge=1, le=10_000, description="Places per request; OSRM's --max-table-size or less."
    )
    solver_seconds: float = Field(
        2.0,
        ge=0,
        le=600,
        description="Search time of a run of 100 bookings; a day's is in proportion to its size, "
        "at most ten times as long.",
    )
    worker_port: int = Field(
        8010, ge=0, le=65535, description="Port of a worker's own health and metrics."
    )
    worker_slots: int | None = Field(
        None,
        ge=1,
        le=256,
        description="Dispatch runs worked on at once, each in a process of some 150 MB; the number "
        "of cores if not set, 3 at least and 8 at most.",
    )
    daily_bookings: int | None = Field(
        None,
        ge=0,
        le=1_000_000,
        description="Bookings of a company per day, where it has no quota of its own.",
    )
    daily_solver_seconds: float | None = Field(
        None,
        ge=0,
        le=10_000_000,
        description="Search time of a company's runs per day, where it has no quota of its own.",
    )
    decision_days: int = Field(
        365, ge=1, le=3650, description="How many days dispatch decisions are kept for learning."
    )
    booking_group_commit: bool = Field(
        True, description="Commit bookings that arrive together in one transaction."
    )
    worker_in_process: bool = Field(
        False, description="Work on dispatch runs inside the API process (standalone does)."
    )

    @property
    def quotas(self) -> CompanyQuotas:
        """Of companies without quotas of their own."""
        return CompanyQuotas(
            daily_bookings=self.daily_bookings, daily_solver_seconds=self.daily_solver_seconds
        )

    @property
    def travel(self) -> TravelSettings:
        """Where travel times come from."""
        if self.osrm_url is None:
            return TravelSettings()
        return TravelSettings(
            osrm=OsrmSettings(
                url=self.osrm_url,
                profile=self.osrm_profile,
                dataset=self.osrm_dataset,
                block_size=self.osrm_block_size,
            )
        )
