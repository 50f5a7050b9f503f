"""Cache and rate limiters by setting: Redis with local ones behind it, or the local ones alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from atmr_common.cache.degrading import DegradingCache
from atmr_common.cache.degrading_limiter import DegradingLimiter
from atmr_common.cache.limiter import MemoryLimiter
from atmr_common.cache.memory import MemoryCache
from atmr_common.cache.metrics import CacheMetrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

    from atmr_common.cache.limiter import Limit, Limiter
    from atmr_common.cache.port import Cache
    from atmr_common.cache.settings import RedisSettings


@dataclass(frozen=True, kw_only=True)
class Caches:
    """What a process keeps for a while: its cache, and limiters made by name."""

    cache: Cache
    limiter: Callable[[str, Limit], Limiter]
    """A limiter under this name, which processes with the same Redis share."""


@asynccontextmanager
async def open_caches(
    settings: RedisSettings | None, registry: CollectorRegistry
) -> AsyncIterator[Caches]:
    """Once per process and registry. Without settings everything is local, and not degraded.

    Redis need not be there, now or later; a URL that cannot be read is a ValueError.
    """
    if settings is None:
        yield Caches(cache=MemoryCache(), limiter=_local_limiter)
        return
    from atmr_common.cache.redis import RedisCache  # noqa: PLC0415 (no Redis, no client loaded)
    from atmr_common.cache.redis_limiter import RedisLimiter  # noqa: PLC0415 (as above)
    from atmr_common.cache.redis_link import RedisLink  # noqa: PLC0415 (as above)

    metrics = CacheMetrics(registry)
    link = RedisLink(settings, metrics)

    def shared_limiter(name: str, limit: Limit) -> Limiter:
        return DegradingLimiter(
            RedisLimiter(link, name, limit), MemoryLimiter(limit), metrics, link=link
        )

    cache = DegradingCache(RedisCache(link), metrics)
    try:
        yield Caches(cache=cache, limiter=shared_limiter)
    finally:
        await cache.aclose()
        await link.aclose()


def _local_limiter(name: str, limit: Limit) -> Limiter:
    del name
    return MemoryLimiter(limit)
