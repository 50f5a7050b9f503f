"""A cache in Redis, shared by every process of an installation."""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from redis.asyncio import Redis

    from atmr_common.cache.redis_link import RedisLink

KEYS_AT_ONCE = 500
"""Of one command: a long one would hold up everybody, since Redis does one after another."""


class RedisCache:
    """Bytes under `<prefix>cache:<key>`; `link` stays the caller's to close."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._prefix = f"{link.prefix}cache:"

    async def get(self, key: str) -> bytes | None:
        async def ask(client: Redis) -> Any:
            return await client.get(self._prefix + key)

        value: bytes | None = await self._link.call(ask)
        return value

    async def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for some in _parts(keys):
            values = await self._link.call(self._asking(some))
            found |= {k: v for k, v in zip(some, values, strict=True) if v is not None}
        return found

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        await self.set_many({key: value}, ttl_s)

    async def set_many(self, values: Mapping[str, bytes], ttl_s: float) -> None:
        if ttl_s <= 0:
            raise ValueError(f"A time to live must be positive, not {ttl_s} s.")
        ttl_ms = math.ceil(ttl_s * 1000)
        for some in _parts(values):

            async def write(client: Redis, keys: list[str] = some) -> None:
                pipeline = client.pipeline(transaction=False)
                for key in keys:
                    pipeline.set(self._prefix + key, values[key], px=ttl_ms)
                await pipeline.execute()

            await self._link.call(write)

    async def delete(self, key: str) -> None:
        await self.delete_many([key])

    async def delete_many(self, keys: Iterable[str]) -> None:
        for some in _parts(keys):

            async def forget(client: Redis, names: list[str] = some) -> None:
                await client.unlink(*(self._prefix + name for name in names))

            await self._link.call(forget)

    async def aclose(self) -> None:
        """Nothing: the connections are the link's."""

    def _asking(self, keys: list[str]) -> Any:
        async def ask(client: Redis) -> Any:
            return await client.mget([self._prefix + key for key in keys])

        return ask


def _parts(keys: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while some := list(islice(rest, KEYS_AT_ONCE)):
        yield some
