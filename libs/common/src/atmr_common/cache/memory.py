"""A cache in this process, bounded in entries and bytes.

The least recently used entry goes first; an expired one goes when it is met.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

DEFAULT_MAX_ENTRIES = 50_000
DEFAULT_MAX_BYTES = 64 * 1024 * 1024


class _Entry(NamedTuple):
    value: bytes
    expires_at_s: float


class MemoryCache:
    """Holds at most `max_entries` and `max_bytes` of values; `clock` counts seconds, any origin."""

    def __init__(
        self,
        *,
        max_entries: int = DEFAULT_MAX_ENTRIES,
        max_bytes: int = DEFAULT_MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if max_entries < 1 or max_bytes < 1:
            raise ValueError(
                f"A cache needs room: max_entries={max_entries}, max_bytes={max_bytes} must be"
                " at least 1."
            )
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._bytes = 0
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._clock = clock

    async def get(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires_at_s <= self._clock():
            self._forget(key)
            return None
        self._entries.move_to_end(key)
        return entry.value

    async def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        found = {key: await self.get(key) for key in keys}
        return {key: value for key, value in found.items() if value is not None}

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        if ttl_s <= 0:
            raise ValueError(f"A time to live must be positive, not {ttl_s} s (key {key!r}).")
        self._forget(key)
        if len(value) > self._max_bytes:
            return
        self._entries[key] = _Entry(value, self._clock() + ttl_s)
        self._bytes += len(value)
        while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
            self._forget(next(iter(self._entries)))

    async def set_many(self, values: Mapping[str, bytes], ttl_s: float) -> None:
        for key, value in values.items():
            await self.set(key, value, ttl_s)

    async def delete(self, key: str) -> None:
        self._forget(key)

    async def delete_many(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._forget(key)

    async def aclose(self) -> None:
        self._entries.clear()
        self._bytes = 0

    def _forget(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= len(entry.value)
