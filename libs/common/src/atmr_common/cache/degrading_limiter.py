"""The shared limiter, or while Redis is away this process's own; answers say which."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from atmr_common.cache.degradation import Degradation
from atmr_common.cache.port import CacheUnavailableError

if TYPE_CHECKING:
    from atmr_common.cache.limiter import Limiter, MemoryLimiter, Taken
    from atmr_common.cache.metrics import CacheMetrics
    from atmr_common.cache.redis_link import RedisLink


class DegradingLimiter:
    """Never raises CacheUnavailableError: nobody is refused because Redis is away.

    Each process then admits the whole limit by itself, so an installation of several admits more.
    """

    def __init__(
        self, shared: Limiter, local: MemoryLimiter, metrics: CacheMetrics, *, link: RedisLink
    ) -> None:
        self._shared = shared
        self._local = local
        self._link = link
        self._degradation = Degradation("rate_limits", metrics)

    def try_take_local(self, key: str) -> Taken | None:
        taken = self._shared.try_take_local(key)
        if taken is None and self._link.refuses:
            self._degradation.count()
            return replace(self._local.try_take_local(key), local=True)
        return taken

    async def take(self, key: str) -> Taken:
        try:
            taken = await self._shared.take(key)
        except CacheUnavailableError as error:
            self._degradation.begin(str(error))
            return replace(self._local.try_take_local(key), local=True)
        self._degradation.end()
        return taken
