"""What can be set of standalone as a whole; each service in it reads its own settings too."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from atmr_common.runtime import service_process
from atmr_common.runtime.data_folder import default_data_folder
from atmr_common.runtime.service_process import Settings
from atmr_common.runtime.settings import DatabaseUrl, LogLevel
from standalone.errors import StartError

__all__ = ["StandaloneSettings", "read_settings"]


class StandaloneSettings(BaseSettings):
    """Read from the environment or `.env`; a command's options win."""

    model_config = SettingsConfigDict(
        env_prefix="ATMR_",
        env_file=".env",
        extra="ignore",
        env_ignore_empty=True,
        populate_by_name=True,
    )

    data: Path = Field(
        default_factory=default_data_folder, description="Database and development keys lie here."
    )
    database_url: DatabaseUrl | None = Field(
        None,
        validation_alias="DATABASE_URL",
        description="A PostgreSQL server of your own; without one, an embedded one is started.",
    )
    host: str = Field("127.0.0.1", description="Address that every server listens on.")
    port_base: int = Field(
        8000, ge=0, le=65000, description="Port of the first server; 0 lets the system choose."
    )
    dispatch_port: int | None = Field(
        None, ge=0, le=65535, description="Port of dispatch-api; the port base if not set."
    )
    issuer_port: int | None = Field(
        None, ge=0, le=65535, description="Port of the token issuer; the port base + 9 if not set."
    )
    issuer_host: str = Field(
        "127.0.0.1",
        description="Address of the token issuer, which gives any role to whoever reaches it.",
    )
    drain_seconds: int = Field(
        10, ge=1, le=600, description="How long open requests may take when we stop."
    )
    log_level: LogLevel = Field("WARNING", description="DEBUG, INFO, WARNING or ERROR.")
    log_format: str = Field("text", pattern="^(json|text)$", description="json or text.")


def read_settings(kind: type[Settings], **chosen: object) -> Settings:
    """Settings of `kind`, `chosen` ones by their field's name; StartError names a wrong one."""
    try:
        return service_process.read_settings(kind, **chosen)
    except service_process.ConfigurationError as error:
        raise StartError(str(error)) from error
