"""The settings of travel times, a part of a service's own settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, PositiveFloat, PositiveInt


class OsrmSettings(BaseModel):
    """Where OSRM is and how it is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: HttpUrl
    """Of osrm-routed, for example http://osrm:5000."""
    profile: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")] = "driving"
    """The word in the request's path; osrm-routed serves the one it was prepared with."""
    dataset: Annotated[str, Field(min_length=1)] = "unversioned"
    """Names the map extract and its date: part of the cache's keys, so change it with the map."""
    block_size: PositiveInt = 100
    """Origins and destinations of one request; not above osrm-routed's --max-table-size."""
    concurrency: PositiveInt = 4
    """Requests in flight for one matrix."""
    request_timeout_s: PositiveFloat = 5.0
    """Of one request."""
    total_timeout_s: PositiveFloat = 60.0
    """Of a whole matrix, with its retries; thousands of places need hundreds of requests."""
    attempts: PositiveInt = 3
    """Of one request, where a failure may pass."""
    backoff_s: PositiveFloat = 0.2
    """Before the second attempt at most; doubled before each later one."""
    max_snap_m: PositiveFloat = 500.0
    """A point farther from any road counts as unreachable."""
    cache_ttl_s: PositiveFloat = 7 * 24 * 3600.0
    """Roads change by the week; a new `dataset` forgets everything at once."""
    failure_threshold: PositiveInt = 5
    """Failed requests in a row that open the circuit."""
    reset_after_s: PositiveFloat = 15.0
    """Until an open circuit lets one request through."""


class TravelSettings(BaseModel):
    """Travel times of a service."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    osrm: OsrmSettings | None = None
    """None: great-circle estimates are the configured source, not a degraded one."""
