"""What every cache does: one suite, run against every adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from atmr_common.cache.memory import MemoryCache
from atmr_common.cache.port import Cache

ADAPTERS: dict[str, Callable[[], Cache]] = {"memory": MemoryCache}


@pytest.fixture(params=ADAPTERS)
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    adapter = ADAPTERS[request.param]()
    yield adapter
    await adapter.aclose()


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


async def test_none_at_all_is_no_mistake(cache: Cache) -> None:
    await cache.set_many({}, ttl_s=60)
    assert await cache.get_many([]) == {}


async def test_forgets_what_is_deleted_and_nothing_else(cache: Cache) -> None:
    await cache.set_many({"a": b"1", "b": b"2"}, ttl_s=60)
    await cache.delete("a")
    await cache.delete("unknown")
    assert await cache.get_many(["a", "b"]) == {"b": b"2"}


@pytest.mark.parametrize("ttl_s", [0, -1])
async def test_refuses_a_time_to_live_that_is_none(cache: Cache, ttl_s: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        await cache.set("row", b"1", ttl_s=ttl_s)
