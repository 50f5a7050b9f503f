"""What every cache does: one suite, run against every adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from atmr_common.cache.build import open_caches
from atmr_common.cache.memory import MemoryCache
from atmr_common.cache.metrics import CacheMetrics
from atmr_common.cache.port import Cache
from atmr_common.cache.redis import RedisCache
from atmr_common.cache.redis_link import RedisLink
from atmr_common.cache.settings import RedisSettings

NOWHERE = RedisSettings(url=SecretStr("redis://127.0.0.1:9"))


@pytest.fixture(params=["memory", "redis", "degrading, up", "degrading, away"])
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    async with AsyncExitStack() as own:
        if request.param == "memory":
            yield MemoryCache()
        elif request.param == "degrading, away":
            caches = await own.enter_async_context(open_caches(NOWHERE, CollectorRegistry()))
            yield caches.cache
        else:
            redis_settings: RedisSettings = request.getfixturevalue("redis_settings")
            if request.param == "redis":
                link = RedisLink(redis_settings, CacheMetrics(CollectorRegistry()))
                own.push_async_callback(link.aclose)
                yield RedisCache(link)
            else:
                opening = open_caches(redis_settings, CollectorRegistry())
                yield (await own.enter_async_context(opening)).cache


async def test_returns_what_was_set(cache: Cache) -> None:
    await cache.set("row", b"\x00\xff", ttl_s=60)
    assert await cache.get("row") == b"\x00\xff"


async def test_an_empty_value_is_a_value(cache: Cache) -> None:
    await cache.set("row", b"", ttl_s=60)
    assert await cache.get("row") == b""


async def test_knows_nothing_of_other_keys(cache: Cache) -> None:
    await cache.set("row", b"1", ttl_s=60)
    assert await cache.get("roW") is None


async def test_the_last_value_wins(cache: Cache) -> None:
    await cache.set("row", b"1", ttl_s=60)
    await cache.set("row", b"2", ttl_s=60)
    assert await cache.get("row") == b"2"


async def test_many_are_set_and_the_known_ones_returned(cache: Cache) -> None:
    await cache.set_many({"a": b"1", "b": b"2"}, ttl_s=60)
    assert await cache.get_many(["b", "unknown", "a"]) == {"a": b"1", "b": b"2"}


async def test_more_than_fit_one_command(cache: Cache) -> None:
    values = {f"pair {number}": str(number).encode() for number in range(1_203)}
    await cache.set_many(values, ttl_s=60)
    assert await cache.get_many(values) == values
    await cache.delete_many(list(values)[3:])
    assert list(await cache.get_many(values)) == ["pair 0", "pair 1", "pair 2"]


async def test_none_at_all_is_no_mistake(cache: Cache) -> None:
    await cache.set_many({}, ttl_s=60)
    await cache.delete_many([])
    assert await cache.get_many([]) == {}


async def test_forgets_what_is_deleted_and_nothing_else(cache: Cache) -> None:
    await cache.set_many({"a": b"1", "b": b"2", "c": b"3"}, ttl_s=60)
    await cache.delete("a")
    await cache.delete("unknown")
    await cache.delete_many(["c", "unknown"])
    assert await cache.get_many(["a", "b", "c"]) == {"b": b"2"}


@pytest.mark.parametrize("ttl_s", [0, -1])
async def test_refuses_a_time_to_live_that_is_none(cache: Cache, ttl_s: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        await cache.set("row", b"1", ttl_s=ttl_s)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.dictionaries(st.text(max_size=20), st.binary(max_size=50), max_size=5))
async def test_any_text_names_any_bytes(cache: Cache, values: dict[str, bytes]) -> None:
    await cache.set_many(values, ttl_s=60)
    assert await cache.get_many(values) == values
