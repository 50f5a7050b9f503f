"""The limiter of one process keeps its promise at every moment, and stays bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atmr_common.cache.limiter import Limit, MemoryLimiter

LIMITS = st.builds(Limit, st.floats(0.01, 1000), st.integers(1, 50))


class Seconds:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@given(limit=LIMITS, pauses=st.lists(st.floats(0, 5), min_size=1, max_size=80))
def test_never_more_than_burst_and_rate_in_any_stretch(limit: Limit, pauses: list[float]) -> None:
    clock = Seconds()
    limiter = MemoryLimiter(limit, clock=clock)
    moments = []
    for pause in pauses:
        clock.now += pause / limit.rate_per_s
        if limiter.try_take_local("key").allowed:
            moments.append(clock.now)
    for first, begin in enumerate(moments):
        for last in range(first, len(moments)):
            allowed = limit.burst + limit.rate_per_s * (moments[last] - begin)
            assert last - first + 1 <= allowed + 1e-3


@given(limit=LIMITS, before=st.integers(0, 60))
def test_who_waits_as_long_as_told_is_admitted(limit: Limit, before: int) -> None:
    clock = Seconds()
    limiter = MemoryLimiter(limit, clock=clock)
    for _ in range(before):
        limiter.try_take_local("key")
    refused = limiter.try_take_local("key")
    while refused.allowed:
        refused = limiter.try_take_local("key")
    clock.now += refused.retry_after_s
    assert limiter.try_take_local("key").allowed
    assert not limiter.try_take_local("key").allowed


@given(limit=LIMITS)
def test_a_full_bucket_is_full_after_the_time_told(limit: Limit) -> None:
    clock = Seconds()
    limiter = MemoryLimiter(limit, clock=clock)
    for _ in range(limit.burst):
        taken = limiter.try_take_local("key")
    assert taken.remaining == 0
    clock.now += taken.reset_after_s
    assert limiter.try_take_local("key").remaining == limit.burst - 1


def test_a_steady_caller_at_the_rate_is_never_refused() -> None:
    clock = Seconds()
    limiter = MemoryLimiter(Limit(3, 1), clock=clock)
    for _ in range(1000):
        assert limiter.try_take_local("key").allowed
        clock.now += 1 / 3


def test_many_keys_do_not_fill_the_memory() -> None:
    limiter = MemoryLimiter(Limit(1, 1), clock=Seconds(), most_keys=100)
    for number in range(1000):
        limiter.try_take_local(str(number))
    assert len(limiter._full_at_s) == 100
    assert not limiter.try_take_local("999").allowed


@pytest.mark.parametrize("count", [1, 5])
def test_the_moment_of_refusal_costs_nothing(count: int) -> None:
    clock = Seconds()
    limiter = MemoryLimiter(Limit(1, 1), clock=clock)
    limiter.try_take_local("key")
    for _ in range(count):
        assert not limiter.try_take_local("key").allowed
    clock.now += 1
    assert limiter.try_take_local("key").allowed
