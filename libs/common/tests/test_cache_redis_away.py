"""A Redis that is away, hangs, dies or comes back: nobody waits for it, and it is marked."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from redis.asyncio import Redis
from support.redis import OwnRedis

from atmr_common.cache.degrading import DegradingCache
from atmr_common.cache.memory import MemoryCache
from atmr_common.cache.metrics import CacheMetrics
from atmr_common.cache.port import CacheUnavailableError
from atmr_common.cache.redis import RedisCache
from atmr_common.cache.redis_link import RedisLink
from atmr_common.cache.settings import RedisSettings

RESET_S = 5.0


class Installation:
    """A cache on a server of its own, with a clock that the test moves, and its metrics."""

    def __init__(self, url: str) -> None:
        self.now = 0.0
        self.registry = CollectorRegistry()
        self.metrics = CacheMetrics(self.registry)
        settings = RedisSettings(url=SecretStr(url), prefix="test:", reset_after_s=RESET_S)
        self.link = RedisLink(settings, self.metrics, clock=lambda: self.now)
        self.shared = RedisCache(self.link)
        self.cache = DegradingCache(self.shared, self.metrics)

    def metric(self, name: str, **labels: str) -> float:
        value = self.registry.get_sample_value(name, labels)
        assert value is not None
        return value

    async def later(self) -> None:
        """The circuit breaker's time is over."""
        self.now += RESET_S


@pytest.fixture
async def installation(own_redis: OwnRedis) -> Installation:
    return Installation(own_redis.url)


OPERATIONS: dict[str, Callable[[RedisCache], Awaitable[object]]] = {
    "get": lambda cache: cache.get("a"),
    "get_many": lambda cache: cache.get_many(["a", "b"]),
    "set": lambda cache: cache.set("a", b"1", 60),
    "set_many": lambda cache: cache.set_many({"a": b"1"}, 60),
    "delete": lambda cache: cache.delete("a"),
    "delete_many": lambda cache: cache.delete_many(["a"]),
}


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_nothing_listens(operation: str) -> None:
    installation = Installation("redis://user:ZZSECRET@127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(CacheUnavailableError) as failure:
        await OPERATIONS[operation](installation.shared)
    assert time.monotonic() - began < 1
    assert "ZZSECRET" not in str(failure.value)
    assert installation.metric("atmr_redis_failures_total", kind="unreachable") == 1
    await installation.link.aclose()


async def test_a_dead_redis_is_left_alone_after_three_failures() -> None:
    installation = Installation("redis://127.0.0.1:9")
    for _ in range(3):
        with pytest.raises(CacheUnavailableError):
            await installation.shared.get("a")
    began = time.perf_counter()
    for _ in range(1000):
        with pytest.raises(CacheUnavailableError, match="a moment ago"):
            await installation.shared.get("a")
    assert (time.perf_counter() - began) / 1000 < 0.001
    assert installation.metric("atmr_redis_circuit", state="open") == 1
    assert installation.metric("atmr_redis_failures_total", kind="circuit_open") == 1000
    await installation.link.aclose()


async def test_a_hanging_redis_is_given_up_quickly(
    installation: Installation, own_redis: OwnRedis
) -> None:
    await installation.shared.set("a", b"1", 60)
    own_redis.pause()
    began = time.monotonic()
    with pytest.raises(CacheUnavailableError, match="Timeout"):
        await installation.shared.get("a")
    waited = time.monotonic() - began
    own_redis.resume()
    assert waited < 0.9
    assert await installation.shared.get("a") == b"1"
    await installation.link.aclose()


async def test_an_answer_that_comes_too_late_is_nobody_elses(
    installation: Installation, own_redis: OwnRedis
) -> None:
    await installation.shared.set_many({"a": b"of a", "b": b"of b"}, 60)
    own_redis.pause()
    asking = asyncio.create_task(installation.shared.get("a"))
    for _ in range(20):  # until it waits for the answer
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    own_redis.resume()
    assert await installation.shared.get("b") == b"of b"
    await installation.link.aclose()


async def test_a_restarted_redis_is_used_again_without_a_failure(
    installation: Installation, own_redis: OwnRedis
) -> None:
    await installation.shared.set("a", b"1", 60)
    own_redis.kill()
    own_redis.start()
    assert await installation.shared.get("a") is None
    await installation.link.aclose()


async def test_a_server_that_is_none_of_redis() -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    installation = Installation(f"redis://127.0.0.1:{port}")
    with pytest.raises(CacheUnavailableError):
        await installation.shared.get("a")
    await installation.link.aclose()
    server.close()
    await server.wait_closed()


async def test_a_refusal_of_redis_is_a_failure_too(
    installation: Installation, own_redis: OwnRedis
) -> None:
    async with Redis.from_url(own_redis.url) as client:
        await client.config_set("maxmemory", "1")
    with pytest.raises(CacheUnavailableError, match="memory"):
        await installation.shared.set("a", b"1", 60)
    assert installation.metric("atmr_redis_failures_total", kind="refused") == 1
    await installation.link.aclose()


def test_a_url_that_is_none_is_refused_at_once() -> None:
    settings = RedisSettings(url=SecretStr("http://localhost"))
    with pytest.raises(ValueError, match="redis://"):
        RedisLink(settings, CacheMetrics(CollectorRegistry()))


async def test_killed_in_the_middle_work_goes_on_locally_and_is_marked_once(
    installation: Installation, own_redis: OwnRedis, caplog: pytest.LogCaptureFixture
) -> None:
    cache = installation.cache
    await cache.set("a", b"shared", 60)
    with caplog.at_level(logging.INFO):
        own_redis.kill()
        assert await cache.get("a") is None
        await cache.set("a", b"local", 60)
        assert await cache.get("a") == b"local"
        for _ in range(20):
            await cache.get("a")
    assert cache.degraded
    assert installation.metric("atmr_cache_degraded", part="cache") == 1
    assert installation.metric("atmr_cache_local_answers_total", part="cache") == 23
    assert len([r for r in caplog.records if "local to this process" in r.message]) == 1
    await cache.aclose()
    await installation.link.aclose()


async def test_what_changed_meanwhile_is_not_shown_old(
    installation: Installation, own_redis: OwnRedis
) -> None:
    cache = installation.cache
    await cache.set_many({"set": b"old", "deleted": b"old", "left": b"old"}, 60)
    own_redis.pause()
    await cache.set("set", b"new", 60)
    await cache.delete("deleted")
    assert await cache.get_many(["set", "deleted"]) == {"set": b"new"}
    own_redis.resume()
    await installation.later()
    assert await cache.get_many(["set", "deleted", "left"]) == {"left": b"old"}
    assert not cache.degraded
    assert installation.metric("atmr_cache_degraded", part="cache") == 0
    await cache.aclose()
    await installation.link.aclose()


async def test_a_second_outage_does_not_show_the_first_ones_values(
    installation: Installation, own_redis: OwnRedis
) -> None:
    cache = installation.cache
    own_redis.kill()
    await cache.set("a", b"of the first outage", 60)
    own_redis.start()
    await installation.later()
    await cache.set("a", b"shared", 60)
    own_redis.kill()
    assert await cache.get("a") is None
    await cache.aclose()
    await installation.link.aclose()


async def test_no_wrong_argument_is_taken_for_an_outage() -> None:
    metrics = CacheMetrics(CollectorRegistry())
    cache = DegradingCache(MemoryCache(), metrics)
    with pytest.raises(ValueError, match="positive"):
        await cache.set("a", b"1", 0)
    assert not cache.degraded
