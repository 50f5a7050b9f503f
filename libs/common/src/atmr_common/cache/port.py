"""The port for caches: bytes under a key for a while.

A cache may forget at any time, so nothing rests on it: what it lacks is
computed again, by whoever asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class CacheUnavailableError(Exception):
    """The store behind a cache did not answer; callers count it and go on without."""


class Cache(Protocol):
    """Bytes by key. Every method raises CacheUnavailableError where its store is away."""

    async def get(self, key: str) -> bytes | None:
        """The value, or None where there is none (any more)."""
        ...

    async def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The values that there are, by key."""
        ...

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep `value` for at most `ttl_s` seconds, which must be positive (ValueError)."""
        ...

    async def set_many(self, values: Mapping[str, bytes], ttl_s: float) -> None:
        """The same for several."""
        ...

    async def delete(self, key: str) -> None:
        """Forget a key, known or not."""
        ...

    async def delete_many(self, keys: Iterable[str]) -> None:
        """The same for several."""
        ...

    async def aclose(self) -> None:
        """Give back connections."""
        ...
