"""The settings that every service has; each service extends them and is handed one instance.

Values come from the environment or from `.env` (see `.env.example`). Nothing is read at import.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, HttpUrl, SecretStr
from pydantic_settings import SettingsConfigDict

from atmr_common.bus.settings import BusSettings
from atmr_common.cache.limiter import Limit
from atmr_common.cache.settings import RedisSettings
from atmr_common.web.rate_limits import DoorLimitSettings

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


def _of_postgresql(url: SecretStr) -> SecretStr:
    """The message must not show the URL: it holds a password."""
    if not re.match(r"postgres(ql)?(\+\w+)?://", url.get_secret_value()):
        raise ValueError("write postgresql://user:password@host:5432/database")
    return url


def _of_redis(url: SecretStr) -> SecretStr:
    """The message must not show the URL: it may hold a password."""
    if not re.match(r"(redis|rediss|unix)://", url.get_secret_value()):
        raise ValueError("write redis://user:password@host:6379/0, or rediss:// for TLS")
    return url


RedisUrl = Annotated[SecretStr, AfterValidator(_of_redis)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_of_postgresql)]


class DoorSettings(BusSettings):
    """What a server needs to run: where it listens, whose tokens it accepts, its limits."""

    model_config = SettingsConfigDict(
        env_prefix="ATMR_", env_file=".env", extra="ignore", env_ignore_empty=True
    )

    host: str = Field("127.0.0.1", description="Address to listen on.")
    auth_issuer: str | None = Field(None, description="`iss` that tokens must carry.")
    auth_audience: str = Field("atmr", description="`aud` that tokens must carry.")
    auth_algorithms: str = Field(
        "RS256",
        pattern="^(RS256|ES256)(,(RS256|ES256))*$",
        description="Signatures that are accepted: RS256, ES256 or both with a comma.",
    )
    auth_discovery_url: HttpUrl | None = Field(
        None,
        description="The issuer's openid-configuration; found by itself for an https issuer.",
    )
    auth_jwks_url: HttpUrl | None = Field(
        None, description="The issuer's public keys; else where its openid-configuration says."
    )
    auth_jwks_file: Path | None = Field(
        None, description="JSON Web Key Set with the issuer's public keys; wins over the URL."
    )
    redis_url: RedisUrl | None = Field(
        None,
        description="redis:// or rediss://: cache and rate limits that processes share; without"
        " it, each has its own.",
    )
    redis_prefix: str = Field(
        "atmr:", min_length=1, max_length=40, description="Begins every key in Redis."
    )
    rate_limit_per_s: float = Field(
        500, gt=0, le=1e6, description="Requests per second that a company may send."
    )
    rate_burst: int = Field(
        2000, ge=1, le=10_000_000, description="Requests that a company may send at once."
    )
    auth_failures_per_min: float = Field(
        60, gt=0, le=1e6, description="Failed authentications per minute of one address."
    )
    auth_failure_burst: int = Field(
        100, ge=1, le=1_000_000, description="Failed authentications of one address at once."
    )
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=10,
        description="How many of our own proxies write X-Forwarded-For; 0: it is not believed.",
    )
    max_body_bytes: int = Field(
        10_000_000, ge=1_000, description="Larger request bodies are refused with 413."
    )
    log_level: LogLevel = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_format: str = Field("json", pattern="^(json|text)$", description="json or text.")
    drain_seconds: float = Field(
        20.0,
        ge=1,
        le=600,
        description="When it is stopped, a process ends after this at the latest.",
    )
    drain_delay_s: float = Field(
        0.0,
        ge=0,
        le=300,
        description="Serve this long with readiness refused before the door closes.",
    )
    otlp_endpoint: HttpUrl | None = Field(
        None,
        description="Where traces are sent by OTLP over HTTP (.../v1/traces); without it, nowhere.",
    )
    trace_sample_ratio: float = Field(
        1.0, ge=0, le=1, description="Share of the traces that begin here and are sent."
    )

    @property
    def redis(self) -> RedisSettings | None:
        """How Redis is reached, if there is one."""
        if self.redis_url is None:
            return None
        return RedisSettings(url=self.redis_url, prefix=self.redis_prefix)

    @property
    def door_limits(self) -> DoorLimitSettings:
        """The rate limits of the service's door."""
        return DoorLimitSettings(
            company=Limit(self.rate_limit_per_s, self.rate_burst),
            failures=Limit(self.auth_failures_per_min / 60, self.auth_failure_burst),
            proxies=self.trusted_proxies,
        )


class LoginSettings(DoorSettings):
    """The same for a service that browsers log in at."""

    public_url: HttpUrl | None = Field(
        None, description="Where browsers reach the service; needed for login."
    )
    auth_client_id: str | None = Field(
        None, description="What the issuer calls this service; without it, /auth/login is off."
    )
    auth_client_secret_file: Path | None = Field(
        None, description="The client's secret, where the issuer wants one."
    )
    auth_login_scope: str = Field("openid", description="Scopes that a login asks for.")
    auth_session_key_file: Path | None = Field(
        None, description="Keys that seal session cookies: base64 of 32 bytes per line."
    )


class ServiceSettings(LoginSettings):
    """The same for a service that keeps something, and asks others."""

    service_token_file: Path | None = Field(
        None, description="The token that this service shows to other services; read again."
    )
    environment: str = Field(
        "production", description="What this is; only test and chaos allow crash points."
    )
    crash_at: str = Field(
        "", description="Kill the process at named points, in tests: point:probability,...@seed."
    )
    database_url: DatabaseUrl = Field(
        SecretStr("postgresql://localhost/atmr"),
        validation_alias="DATABASE_URL",
        description="PostgreSQL 15 or newer; standalone starts its own when this is not set.",
    )
    database_pool_size: int = Field(10, ge=1, le=200, description="Connections held at most.")
