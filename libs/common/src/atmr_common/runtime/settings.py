"""The settings that every service has; each service extends them and is handed one instance.

Values come from the environment or from `.env` (see `.env.example`). Nothing is read at import.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


def _of_postgresql(url: SecretStr) -> SecretStr:
    """The message must not show the URL: it holds a password."""
    if not re.match(r"postgres(ql)?(\+\w+)?://", url.get_secret_value()):
        raise ValueError("write postgresql://user:password@host:5432/database")
    return url


DatabaseUrl = Annotated[SecretStr, AfterValidator(_of_postgresql)]


class ServiceSettings(BaseSettings):
    """What a server needs to run: where it listens, its database, whose tokens it accepts."""

    model_config = SettingsConfigDict(
        env_prefix="ATMR_", env_file=".env", extra="ignore", env_ignore_empty=True
    )

    host: str = Field("127.0.0.1", description="Address to listen on.")
    database_url: DatabaseUrl = Field(
        SecretStr("postgresql://localhost/atmr"),
        validation_alias="DATABASE_URL",
        description="PostgreSQL 15 or newer; standalone starts its own when this is not set.",
    )
    database_pool_size: int = Field(10, ge=1, le=200, description="Connections held at most.")
    auth_issuer: str = Field("atmr-development", description="`iss` that tokens must carry.")
    auth_audience: str = Field("atmr", description="`aud` that tokens must carry.")
    auth_jwks_file: Path | None = Field(
        None, description="JSON Web Key Set with the issuer's public keys."
    )
    max_body_bytes: int = Field(
        10_000_000, ge=1_000, description="Larger request bodies are refused with 413."
    )
    log_level: LogLevel = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_format: str = Field("json", pattern="^(json|text)$", description="json or text.")
