"""The connections to Redis, and the rule that Redis never makes anybody wait.

Every failure becomes CacheUnavailableError within the command's timeout; after a row of them a
circuit breaker leaves Redis alone, so that a dead one costs nothing but an exception.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from atmr_common.cache.port import CacheUnavailableError
from atmr_common.runtime.circuit_breaker import CircuitBreaker, CircuitOpenError

if TYPE_CHECKING:
    from atmr_common.cache.metrics import CacheMetrics
    from atmr_common.cache.settings import RedisSettings

FAILURES = (RedisError, OSError, TimeoutError)
Answer = TypeVar("Answer")


class RedisLink:
    """One per process and event loop; cache and limiter share it.

    Raises:
        ValueError: for a URL that is none of Redis's.

    """

    def __init__(
        self,
        settings: RedisSettings,
        metrics: CacheMetrics,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.prefix = settings.prefix
        self._timeout_s = settings.connect_timeout_s + settings.command_timeout_s
        self._metrics = metrics
        self._client: Redis = Redis(
            connection_pool=BlockingConnectionPool.from_url(
                settings.url.get_secret_value(),
                max_connections=settings.connections,
                timeout=settings.command_timeout_s,
                socket_timeout=settings.command_timeout_s,
                socket_connect_timeout=settings.connect_timeout_s,
                # A pooled connection may have died with its server: once more, on a fresh one.
                retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
            )
        )
        self._breaker = CircuitBreaker(
            failure_threshold=settings.failure_threshold,
            reset_after_s=settings.reset_after_s,
            clock=clock,
            failures=FAILURES,
            on_change=metrics.show_circuit,
        )

    @property
    def refuses(self) -> bool:
        """Whether Redis is left alone at the moment."""
        return self._breaker.refuses

    async def call(self, work: Callable[[Redis], Awaitable[Answer]]) -> Answer:
        """What `work` gets from Redis.

        Raises:
            CacheUnavailableError: where it failed, took too long, or was not tried.

        """
        try:
            with self._breaker.guard():
                async with asyncio.timeout(self._timeout_s):
                    return await work(self._client)
        except CircuitOpenError as error:
            self._metrics.failures.labels("circuit_open").inc()
            raise CacheUnavailableError(f"Redis failed a moment ago: {error}") from error
        except FAILURES as error:
            self._metrics.failures.labels(_kind(error)).inc()
            # the text of an error may hold an address, never a password: the URL is not in it
            raise CacheUnavailableError(f"Redis: {type(error).__name__}: {error}") from error

    async def ready(self) -> str | None:
        """Why Redis cannot be used, or None."""
        try:
            await self.call(_ping)
        except CacheUnavailableError as error:
            return str(error)
        return None

    async def aclose(self) -> None:
        await self._client.aclose(close_connection_pool=True)


async def _ping(client: Redis) -> Any:
    return await client.ping()


def _kind(error: BaseException) -> str:
    name = type(error).__name__
    if "Timeout" in name:
        return "timeout"
    return "unreachable" if isinstance(error, (RedisConnectionError, OSError)) else "refused"
