"""dispatch-api's settings: what every service has, and what only this one needs."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, HttpUrl, SecretStr

from atmr_common.runtime.settings import ServiceSettings
from atmr_common.travel.settings import OsrmSettings, TravelSettings


class DispatchSettings(ServiceSettings):
    """Read from the environment; every name starts with ATMR_ but DATABASE_URL."""

    port: int = Field(8000, ge=0, le=65535, description="Port of the dispatch API.")
    patient_key_file: Path | None = Field(
        None, description="File with the key that protects patients' data."
    )
    patient_key: SecretStr | None = Field(
        None, description="The same key inline, base64 of 32 bytes; the file wins."
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
    solver_seconds: float = Field(2.0, ge=0, le=600, description="Search time of a run.")
    worker_in_process: bool = Field(
        False, description="Work on dispatch runs inside the API process (standalone does)."
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
