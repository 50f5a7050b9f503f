"""How Redis is reached, for the cache and the rate limits: a part of a service's settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, SecretStr


class RedisSettings(BaseModel):
    """One Redis, which may be away: nothing that must last is kept in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: SecretStr
    """redis://, rediss:// (TLS) or unix://, with user, password and database number."""
    prefix: Annotated[str, Field(min_length=1, max_length=40)] = "atmr:"
    """Begins every key, so that several installations may share a server."""
    connections: PositiveInt = 20
    """Of one process at most."""
    connect_timeout_s: PositiveFloat = 0.25
    """Of a new connection."""
    command_timeout_s: PositiveFloat = 0.25
    """Of one command with everything around it; a cache that is slower than that is none."""
    failure_threshold: PositiveInt = 3
    """Failed commands in a row after which Redis is left alone for a while."""
    reset_after_s: PositiveFloat = 5.0
    """Until one command is tried again."""
