"""The limiter that processes share through Redis: tokens are leased in blocks, spent locally.

A request costs Redis nothing while a lease lasts; a refusal is remembered until it is over. The
clock is Redis's own. How far the count may be off: docs/limits.md.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from atmr_common.cache.limiter import MOST_KEYS, Limit, Taken
from atmr_common.cache.port import CacheUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis

    from atmr_common.cache.redis_link import RedisLink

LARGEST_BLOCK = 50
BLOCK_SHARE = 0.05
LEASE_S = 1.0

GRANT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local spare = burst * interval - (full_at - now)
local granted = math.min(wanted, math.floor(spare / interval + 0.000001))
if granted < 1 then
  return {0, 0, math.max(1, math.ceil(interval - spare)), math.ceil(full_at - now)}
end
full_at = full_at + granted * interval
redis.call('SET', KEYS[1], string.format('%.3f', full_at),
  'PX', math.ceil((full_at - now) / 1000) + 1000)
spare = burst * interval - (full_at - now)
return {granted, math.max(0, math.floor(spare / interval + 0.000001)), 0,
  math.ceil(full_at - now)}
"""
"""GCRA in microseconds: {granted, left in Redis, retry after, full after}."""


@dataclass(slots=True)
class _Lease:
    """What this process holds of one key."""

    left: int = 0
    ends_at_s: float = 0.0
    began_at_s: float = 0.0
    size: int = 0
    block: int = 1
    behind: int = 0
    """Tokens left in Redis when the lease was granted."""
    full_at_s: float = 0.0
    refused_until_s: float = 0.0
    waiting: int = 0
    failures: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class RedisLimiter:
    """`name` tells limits apart that share a Redis; `link` stays the caller's to close.

    The block grows from 1 with the demand that is seen here, to 5 % of the burst or 50, so that a
    process with little to do holds little. `clock` counts seconds, any origin.
    """

    def __init__(
        self,
        link: RedisLink,
        name: str,
        limit: Limit,
        *,
        clock: Callable[[], float] = time.monotonic,
        lease_s: float = LEASE_S,
        most_keys: int = MOST_KEYS,
    ) -> None:
        self.largest_block = max(1, min(LARGEST_BLOCK, int(limit.burst * BLOCK_SHARE)))
        self._link = link
        self._prefix = f"{link.prefix}rate:{name}:"
        self._interval_us = 1e6 * limit.interval_s
        self._burst = limit.burst
        self._clock = clock
        self._lease_s = lease_s
        self._most_keys = most_keys
        self._leases: OrderedDict[str, _Lease] = OrderedDict()

    def try_take_local(self, key: str) -> Taken | None:
        lease = self._leases.get(key)
        return None if lease is None else self._spend(lease)

    async def take(self, key: str) -> Taken:
        """Admit or refuse one. Raises CacheUnavailableError where Redis does not answer."""
        lease = self._lease(key)
        failures = lease.failures
        lease.waiting += 1
        try:
            async with lease.lock:  # one asks for all who wait, in the order of their coming
                while (taken := self._spend(lease)) is None:
                    if failures != lease.failures:
                        raise CacheUnavailableError("Redis failed while this waited for it.")
                    await self._renew(key, lease)
                return taken
        finally:
            lease.waiting -= 1

    def _spend(self, lease: _Lease) -> Taken | None:
        """One of the lease's tokens, or its refusal, while either lasts."""
        now = self._clock()
        if lease.left > 0 and now < lease.ends_at_s:
            lease.left -= 1
            return Taken(True, lease.behind + lease.left, 0.0, max(0.0, lease.full_at_s - now))
        if now < lease.refused_until_s:
            full_after = max(0.0, lease.full_at_s - now)
            return Taken(False, 0, lease.refused_until_s - now, full_after)
        return None

    async def _renew(self, key: str, lease: _Lease) -> None:
        wanted = min(self.largest_block, max(self._next_block(lease), lease.waiting))

        async def ask(client: Redis) -> Any:
            arguments = (f"{self._interval_us:.6f}", self._burst, wanted)
            return await client.eval(GRANT, 1, self._prefix + key, *arguments)

        try:
            granted, behind, retry_us, full_us = await self._link.call(ask)
        except CacheUnavailableError:
            lease.failures += 1
            raise
        now = self._clock()
        lease.left = lease.size = int(granted)
        lease.block, lease.behind = wanted, int(behind)
        lease.began_at_s, lease.ends_at_s = now, now + self._lease_s
        lease.full_at_s = now + int(full_us) / 1e6
        lease.refused_until_s = now + int(retry_us) / 1e6 if not granted else 0.0

    def _next_block(self, lease: _Lease) -> int:
        """Twice as much where the last block was gone within half its time, else what was used."""
        if lease.left > 0:
            return max(1, lease.size - lease.left)
        quickly = self._clock() - lease.began_at_s < self._lease_s / 2
        return 2 * lease.block if quickly and lease.size else max(1, lease.size)

    def _lease(self, key: str) -> _Lease:
        lease = self._leases.setdefault(key, _Lease())
        self._leases.move_to_end(key)
        if len(self._leases) > self._most_keys:
            self._leases.popitem(last=False)
        return lease
