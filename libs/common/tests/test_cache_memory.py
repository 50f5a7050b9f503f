"""The memory cache stays within its bounds and forgets in time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atmr_common.cache.memory import MemoryCache


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_forgets_when_its_time_is_over() -> None:
    clock = Seconds()
    cache = MemoryCache(clock=clock)
    await cache.set("short", b"1", ttl_s=10)
    await cache.set("long", b"2", ttl_s=20)
    clock.now = 9.9
    assert await cache.get_many(["short", "long"]) == {"short": b"1", "long": b"2"}
    clock.now = 10.0
    assert await cache.get_many(["short", "long"]) == {"long": b"2"}


async def test_setting_again_begins_a_new_life() -> None:
    clock = Seconds()
    cache = MemoryCache(clock=clock)
    await cache.set("row", b"1", ttl_s=10)
    clock.now = 8.0
    await cache.set("row", b"2", ttl_s=10)
    clock.now = 17.0
    assert await cache.get("row") == b"2"


async def test_the_least_recently_used_goes_first() -> None:
    cache = MemoryCache(max_entries=2)
    await cache.set("a", b"1", ttl_s=60)
    await cache.set("b", b"2", ttl_s=60)
    await cache.get("a")
    await cache.set("c", b"3", ttl_s=60)
    assert await cache.get_many("abc") == {"a": b"1", "c": b"3"}


async def test_a_value_larger_than_the_cache_is_not_kept_and_pushes_nothing_out() -> None:
    cache = MemoryCache(max_bytes=4)
    await cache.set("small", b"12", ttl_s=60)
    await cache.set("large", b"12345", ttl_s=60)
    assert await cache.get_many(["small", "large"]) == {"small": b"12"}


async def test_a_too_large_value_does_not_leave_the_old_one_behind() -> None:
    cache = MemoryCache(max_bytes=4)
    await cache.set("row", b"12", ttl_s=60)
    await cache.set("row", b"12345", ttl_s=60)
    assert await cache.get("row") is None


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefgh"), st.binary(max_size=6), st.booleans()), max_size=60
    )
)
async def test_never_holds_more_than_its_bounds(
    steps: list[tuple[str, bytes, bool]],
) -> None:
    cache = MemoryCache(max_entries=3, max_bytes=10)
    for key, value, remove in steps:
        await (cache.delete(key) if remove else cache.set(key, value, ttl_s=60))
        held = await cache.get_many("abcdefgh")
        assert len(held) <= 3
        assert sum(map(len, held.values())) <= 10
        assert remove or held[key] == value


@pytest.mark.parametrize("bounds", [{"max_entries": 0}, {"max_bytes": 0}])
def test_refuses_to_be_without_room(bounds: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        MemoryCache(**bounds)
