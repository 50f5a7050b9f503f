"""The shared limiter: processes share it, leases stay within their bound, and Redis may die."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from support.redis import OwnRedis

from atmr_common.cache.build import open_caches
from atmr_common.cache.limiter import Limit, Taken
from atmr_common.cache.metrics import CacheMetrics
from atmr_common.cache.port import CacheUnavailableError
from atmr_common.cache.redis_limiter import RedisLimiter
from atmr_common.cache.redis_link import RedisLink
from atmr_common.cache.settings import RedisSettings

SLOW = 0.001
PROCESS = """
import asyncio, sys
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from atmr_common.cache.build import open_caches
from atmr_common.cache.limiter import Limit
from atmr_common.cache.settings import RedisSettings

async def main():
    settings = RedisSettings(url=SecretStr(sys.argv[1]), prefix=sys.argv[2])
    async with open_caches(settings, CollectorRegistry()) as caches:
        limiter = caches.limiter("test", Limit(0.001, 300))
        answers = [await limiter.take("key") for _ in range(400)]
    print(sum(answer.allowed for answer in answers), any(answer.local for answer in answers))

asyncio.run(main())
"""


class Counted(RedisLink):
    """Counts how often Redis is asked."""

    calls = 0

    async def call(self, work: Any) -> Any:
        self.calls += 1
        return await super().call(work)


@pytest.fixture
async def link(redis_settings: RedisSettings) -> AsyncIterator[Counted]:
    link = Counted(redis_settings, CacheMetrics(CollectorRegistry()))
    yield link
    await link.aclose()


async def spend(limiter: RedisLimiter, count: int) -> int:
    return sum([(await limiter.take("key")).allowed for _ in range(count)])


def test_two_processes_share_one_limit(redis_settings: RedisSettings) -> None:
    url = redis_settings.url.get_secret_value()
    command = [sys.executable, "-c", PROCESS, url, redis_settings.prefix]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate(timeout=60)[0].split() for process in processes]
    assert [local for _, local in answers] == ["False", "False"]
    # each may end with a block that it leased and did not spend, or lose one to a slow machine
    assert 300 - 4 * 15 <= sum(int(count) for count, _ in answers) <= 300


async def test_a_flood_asks_redis_seldom(link: Counted) -> None:
    limiter = RedisLimiter(link, "test", Limit(SLOW, 1_000))
    assert limiter.largest_block == 50
    assert await spend(limiter, 5_000) == 1_000
    assert link.calls <= 30


async def test_a_process_with_little_to_do_holds_little(link: Counted) -> None:
    now = 0.0
    limiter = RedisLimiter(link, "test", Limit(SLOW, 1_000), clock=lambda: now)
    for _ in range(20):  # one request in each lease
        assert (await limiter.take("key")).allowed
        now += 5.0
    other = RedisLimiter(link, "test", Limit(SLOW, 1_000))
    assert await spend(other, 1_200) == 1_000 - 20


async def test_what_is_wasted_is_less_than_what_is_used(link: Counted) -> None:
    now, used = 0.0, 0
    limiter = RedisLimiter(link, "test", Limit(SLOW, 10_000), clock=lambda: now)
    for _ in range(40):  # bursts of different sizes, each forgotten by the next
        for _ in range(1 + used % 23):
            used += (await limiter.take("key")).allowed
        now += 5.0
    left = await spend(RedisLimiter(link, "test", Limit(SLOW, 10_000)), 11_000)
    assert 10_000 - 2 * used <= left <= 10_000 - used


async def test_a_stretch_is_exceeded_by_the_blocks_held_at_most(link: Counted) -> None:
    """Each of five processes has leased a block before the bucket is full again."""
    limit = Limit(2_000, 100)
    processes = [RedisLimiter(link, "test", limit, lease_s=60) for _ in range(5)]
    for process in processes:
        await spend(process, 8)
    held = sum(process._leases["key"].left for process in processes)
    assert held <= 5 * processes[0].largest_block
    await asyncio.sleep(limit.full_after_s)
    began, admitted = time.monotonic(), 0
    for process in processes:
        admitted += await spend(process, 60)
    stretch = limit.burst + limit.rate_per_s * (time.monotonic() - began)
    assert admitted <= stretch + held + 1


async def test_an_expired_lease_is_not_spent(link: Counted) -> None:
    now = 0.0
    limiter = RedisLimiter(link, "test", Limit(SLOW, 1_000), clock=lambda: now)
    await spend(limiter, 8)
    assert limiter.try_take_local("key") is not None
    now += 1.0
    assert limiter.try_take_local("key") is None


async def test_keys_leave_redis_when_their_bucket_is_full(
    link: Counted, redis_settings: RedisSettings
) -> None:
    limiter = RedisLimiter(link, "test", Limit(10, 10))
    await limiter.take("key")
    key = f"{redis_settings.prefix}rate:test:key"
    left_ms = await link.call(lambda client: client.pttl(key))
    assert 0 < left_ms <= 1_200


async def test_who_waits_for_a_failed_question_fails_with_it(own_redis: OwnRedis) -> None:
    settings = RedisSettings(url=SecretStr(own_redis.url), failure_threshold=1000)
    link = RedisLink(settings, CacheMetrics(CollectorRegistry()))
    limiter = RedisLimiter(link, "test", Limit(SLOW, 10))
    await limiter.take("another key")
    own_redis.pause()
    began = time.monotonic()
    takes = (limiter.take("key") for _ in range(50))
    answers = await asyncio.gather(*takes, return_exceptions=True)
    waited = time.monotonic() - began
    own_redis.resume()
    assert {type(answer) for answer in answers} == {CacheUnavailableError}
    assert waited < 1
    await link.aclose()


async def test_killed_in_the_middle_everybody_is_still_answered_and_told(
    own_redis: OwnRedis,
) -> None:
    registry = CollectorRegistry()
    settings = RedisSettings(url=SecretStr(own_redis.url), reset_after_s=0.2)
    async with open_caches(settings, registry) as caches:
        limiter = caches.limiter("test", Limit(SLOW, 500))
        answers: list[Taken] = []
        for number in range(300):
            if number == 100:
                own_redis.kill()
            answers.append(await limiter.take("key"))
        assert all(answer.allowed for answer in answers)
        assert not answers[0].local
        assert answers[-1].local
        assert registry.get_sample_value("atmr_cache_degraded", {"part": "rate_limits"}) == 1
        known = limiter.try_take_local("key")
        assert known is not None
        assert known.local

        own_redis.start()
        deadline = time.monotonic() + 10
        while (await limiter.take("key")).local:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        assert registry.get_sample_value("atmr_cache_degraded", {"part": "rate_limits"}) == 0
