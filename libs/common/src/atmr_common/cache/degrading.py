"""The shared cache, or while it is away a local one; that is marked, never silent.

What changes meanwhile is known here alone, so it is deleted from the shared cache before that is
used again, and the local cache is emptied: neither shows what the other has long replaced.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, TypeVar

from atmr_common.cache.degradation import Degradation
from atmr_common.cache.memory import MemoryCache
from atmr_common.cache.port import CacheUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from atmr_common.cache.metrics import CacheMetrics
    from atmr_common.cache.port import Cache

Answer = TypeVar("Answer")
MOST_CHANGES_KEPT = 10_000
"""Beyond them, a key changed during an outage may show its old value until its time is over."""


class DegradingCache:
    """Never raises CacheUnavailableError; both caches are closed with it."""

    def __init__(
        self, shared: Cache, metrics: CacheMetrics, *, local: MemoryCache | None = None
    ) -> None:
        self._shared = shared
        self._local = local or MemoryCache()
        self._degradation = Degradation("cache", metrics)
        self._changed: OrderedDict[str, None] = OrderedDict()

    @property
    def degraded(self) -> bool:
        """Whether the last operation was done locally."""
        return self._degradation.present

    async def get(self, key: str) -> bytes | None:
        return (await self.get_many([key])).get(key)

    async def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        wanted = list(keys)
        return await self._first(lambda cache: cache.get_many(wanted))

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        await self.set_many({key: value}, ttl_s)

    async def set_many(self, values: Mapping[str, bytes], ttl_s: float) -> None:
        await self._first(lambda cache: cache.set_many(values, ttl_s), changes=values)

    async def delete(self, key: str) -> None:
        await self.delete_many([key])

    async def delete_many(self, keys: Iterable[str]) -> None:
        gone = list(keys)
        await self._first(lambda cache: cache.delete_many(gone), changes=gone)

    async def aclose(self) -> None:
        try:
            await self._shared.aclose()
        finally:
            await self._local.aclose()

    async def _first(
        self, operation: Callable[[Cache], Awaitable[Answer]], *, changes: Iterable[str] = ()
    ) -> Answer:
        """What the shared cache answers, else the local one, which remembers the `changes`."""
        try:
            await self._forget_changed()
            answer = await operation(self._shared)
        except CacheUnavailableError as error:
            self._degradation.begin(str(error))
            self._remember(changes)
            return await operation(self._local)
        if self._degradation.end():
            await self._local.aclose()
        return answer

    async def _forget_changed(self) -> None:
        if not self._changed:
            return
        pending = list(self._changed)
        await self._shared.delete_many(pending)
        for key in pending:
            self._changed.pop(key, None)

    def _remember(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._changed[key] = None
            self._changed.move_to_end(key)
        while len(self._changed) > MOST_CHANGES_KEPT:
            self._changed.popitem(last=False)
