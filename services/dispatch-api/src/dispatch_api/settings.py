"""dispatch-api's settings: what every service has, and what only this one needs."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from atmr_common.runtime.settings import ServiceSettings


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
    osrm_url: str | None = Field(None, description="OSRM server; without one, great-circle times.")
    osrm_profile: str = Field("driving", description="OSRM profile.")
    solver_seconds: float = Field(2.0, ge=0, le=600, description="Search time of a run.")
    worker_in_process: bool = Field(
        False, description="Work on dispatch runs inside the API process (standalone does)."
    )
