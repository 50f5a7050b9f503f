"""Requests to OSRM: one block of a table each, with retries and a circuit breaker.

Hints are neither asked for nor kept: they break when the map is rebuilt.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from typing import TYPE_CHECKING, TypeVar

import httpx
import numpy as np

from atmr_common.observability.tracing import propagate_trace
from atmr_common.runtime.circuit_breaker import CircuitBreaker, CircuitOpenError
from atmr_common.travel.osrm_answer import (
    NO_ROUTE,
    Refusal,
    TableBlock,
    read_block,
    read_refusal,
    read_route,
)
from atmr_common.travel.pair_table import place_text
from atmr_common.travel.port import TravelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from atmr_common.travel.metrics import TravelMetrics
    from atmr_common.travel.settings import OsrmSettings

Answer = TypeVar("Answer")

UNAVAILABLE = "osrm_unavailable"
REFUSED = "osrm_refused"
INVALID = "osrm_invalid_answer"


class AttemptFailedError(Exception):
    """Worth another try; speaks against the server. `outcome` is the metric's label."""

    def __init__(self, outcome: str, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome


class OsrmRefusedError(TravelUnavailableError):
    """OSRM answered that it will not; another try would not help."""

    def __init__(self, address: str, refusal: Refusal) -> None:
        super().__init__(REFUSED, f"OSRM at {address}: {refusal.explanation}")
        self.code = refusal.code


class OsrmClient:
    """Asks one OSRM server.

    A `client` that is passed in stays the caller's to close. `clock` counts seconds from any
    origin; `sleep` and `jitter` (0 to 1) space the retries.
    """

    def __init__(
        self,
        settings: OsrmSettings,
        metrics: TravelMetrics,
        *,
        client: httpx.AsyncClient | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client or httpx.AsyncClient(event_hooks={"request": [propagate_trace]})
        self._owns_client = client is None
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._breaker = CircuitBreaker(
            failure_threshold=settings.failure_threshold,
            reset_after_s=settings.reset_after_s,
            clock=clock,
            failures=(AttemptFailedError,),
            on_change=metrics.show_circuit,
        )

    async def table(self, origins: list[int], destinations: list[int]) -> TableBlock:
        """Place codes in, one block out, nothing negative in it. Raises TravelUnavailableError."""
        shape = (len(origins), len(destinations))
        limit_m = self._settings.max_snap_m
        block = await self._ask(
            self._table_path(origins, destinations),
            lambda content: read_block(content, shape, limit_m),
        )
        self._metrics.off_map.inc(block.off_map)
        for row, column in np.argwhere(block.negative).tolist():
            time_s, distance_m = await self._route(origins[row], destinations[column])
            block.time_s[row, column] = time_s
            block.distance_m[row, column] = distance_m
            self._metrics.negative_pairs.inc()
        return block

    async def _route(self, origin: int, destination: int) -> tuple[float, float]:
        path = f"route/v1/{self._settings.profile}/{place_text(origin)};{place_text(destination)}"
        try:
            return await self._ask(f"{path}?overview=false&generate_hints=false", read_route)
        except OsrmRefusedError as refused:
            if refused.code == NO_ROUTE:
                return math.nan, math.nan
            raise

    async def _ask(self, path: str, read: Callable[[bytes], Answer]) -> Answer:
        tries_left = self._settings.attempts
        longest_s = self._settings.backoff_s
        while True:
            try:
                return await self._attempt(path, read)
            except AttemptFailedError as failure:
                tries_left -= 1
                if not tries_left:
                    reason = INVALID if failure.outcome == "invalid" else UNAVAILABLE
                    raise self._unavailable(reason, str(failure)) from failure
                await self._sleep(longest_s * self._jitter())
                longest_s *= 2

    async def aclose(self) -> None:
        if self._owns_client:
            await self._client.aclose()

    async def _attempt(self, path: str, read: Callable[[bytes], Answer]) -> Answer:
        outcome = "circuit_open"
        try:
            with self._breaker.guard():
                outcome = "ok"
                response = await self._response(path)
                if not response.is_client_error:
                    return _understood(response, read)
            outcome = "refused"
            raise OsrmRefusedError(self._address, read_refusal(response.content))
        except CircuitOpenError as failure:
            raise self._unavailable(UNAVAILABLE, f"not asked: {failure}") from failure
        except AttemptFailedError as failure:
            outcome = failure.outcome
            raise
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        finally:
            self._metrics.requests.labels(outcome).inc()

    async def _response(self, path: str) -> httpx.Response:
        started_s = self._clock()
        limit_s = self._settings.request_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                response = await self._client.get(f"{self._address}/{path}", timeout=None)
        except TimeoutError as failure:
            raise AttemptFailedError("timeout", f"no answer within {limit_s:g} s") from failure
        except httpx.HTTPError as failure:
            raise AttemptFailedError("unreachable", repr(failure)) from failure
        finally:
            self._metrics.request_seconds.observe(self._clock() - started_s)
        if response.is_server_error or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise AttemptFailedError("server_error", f"status {response.status_code}")
        return response

    def _table_path(self, origins: list[int], destinations: list[int]) -> str:
        places = list(dict.fromkeys([*origins, *destinations]))
        index = {place: position for position, place in enumerate(places)}
        return (
            f"table/v1/{self._settings.profile}/{';'.join(map(place_text, places))}"
            "?annotations=duration,distance&generate_hints=false"
            f"&sources={';'.join(str(index[place]) for place in origins)}"
            f"&destinations={';'.join(str(index[place]) for place in destinations)}"
        )

    @property
    def _address(self) -> str:
        return str(self._settings.url).rstrip("/")

    def _unavailable(self, reason: str, detail: str) -> TravelUnavailableError:
        return TravelUnavailableError(reason, f"OSRM at {self._address}: {detail}")


def _understood(response: httpx.Response, read: Callable[[bytes], Answer]) -> Answer:
    try:
        return read(response.content)
    except ValueError as failure:
        raise AttemptFailedError("invalid", str(failure)) from failure
