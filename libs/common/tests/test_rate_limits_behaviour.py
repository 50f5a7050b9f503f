"""What every limiter does: one suite, run against every adapter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from atmr_common.cache.build import open_caches
from atmr_common.cache.limiter import Limit, Limiter, MemoryLimiter, Taken
from atmr_common.cache.metrics import CacheMetrics
from atmr_common.cache.redis_limiter import RedisLimiter
from atmr_common.cache.redis_link import RedisLink
from atmr_common.cache.settings import RedisSettings

NOWHERE = RedisSettings(url=SecretStr("redis://127.0.0.1:9"))
SLOW = 0.001  # nothing is refilled during a test
Make = Callable[[Limit], Limiter]


@pytest.fixture(params=["memory", "redis", "degrading, up", "degrading, away"])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    async with AsyncExitStack() as own:
        if request.param == "memory":
            yield MemoryLimiter
        elif request.param == "degrading, away":
            caches = await own.enter_async_context(open_caches(NOWHERE, CollectorRegistry()))
            yield lambda limit: caches.limiter("test", limit)
        else:
            redis_settings: RedisSettings = request.getfixturevalue("redis_settings")
            if request.param == "redis":
                link = RedisLink(redis_settings, CacheMetrics(CollectorRegistry()))
                own.push_async_callback(link.aclose)
                yield lambda limit: RedisLimiter(link, "test", limit)
            else:
                opening = open_caches(redis_settings, CollectorRegistry())
                caches = await own.enter_async_context(opening)
                yield lambda limit: caches.limiter("test", limit)


async def taken(limiter: Limiter, count: int, key: str = "key") -> list[Taken]:
    return [await limiter.take(key) for _ in range(count)]


def admitted(answers: list[Taken]) -> int:
    return sum(answer.allowed for answer in answers)


async def test_admits_the_burst_and_no_more(make: Make) -> None:
    answers = await taken(make(Limit(SLOW, 7)), 10)
    assert [answer.allowed for answer in answers] == [True] * 7 + [False] * 3


async def test_tells_what_is_left_and_when_to_come_again(make: Make) -> None:
    answers = await taken(make(Limit(SLOW, 3)), 4)
    assert [answer.remaining for answer in answers] == [2, 1, 0, 0]
    assert [answer.retry_after_s for answer in answers[:3]] == [0, 0, 0]
    assert answers[3].retry_after_s == pytest.approx(1 / SLOW, rel=0.01)
    assert answers[3].reset_after_s == pytest.approx(3 / SLOW, rel=0.01)


async def test_one_key_leaves_the_others_untouched(make: Make) -> None:
    limiter = make(Limit(SLOW, 2))
    assert admitted(await taken(limiter, 50, "flood")) == 2
    assert admitted(await taken(limiter, 2, "quiet")) == 2


async def test_at_once_they_are_admitted_together_as_few_as_one_by_one(make: Make) -> None:
    limiter = make(Limit(SLOW, 40))
    answers = await asyncio.gather(*(limiter.take("key") for _ in range(200)))
    assert admitted(answers) == 40


async def test_it_is_refilled(make: Make) -> None:
    limiter = make(Limit(200, 2))
    answers = await taken(limiter, 40)
    while answers[-1].allowed:
        answers = await taken(limiter, 40)
    await asyncio.sleep(answers[-1].retry_after_s + 0.002)
    assert (await limiter.take("key")).allowed


async def test_what_is_known_here_needs_no_waiting(make: Make) -> None:
    limiter = make(Limit(SLOW, 2))
    await taken(limiter, 3)
    known = limiter.try_take_local("key")
    assert known is not None
    assert not known.allowed


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0), (float("nan"), 1)])
def test_refuses_a_limit_that_is_none(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="positive rate"):
        Limit(rate, burst)
