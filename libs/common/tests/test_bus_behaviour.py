"""What every bus does; each adapter is run through the same tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from atmr_common.bus.memory import MemoryBus
from atmr_common.bus.port import Bus, Message


@pytest.fixture(params=["memory"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    del request
    memory = MemoryBus(backoff_s=0.001)
    yield memory
    await memory.aclose()


def message(topic: str, key: str, number: int) -> Message:
    return Message(topic=topic, key=key, value=str(number).encode(), headers={"ce_id": key})


class Received:
    """Collects messages and lets a test await the n-th."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._arrived = asyncio.Condition()

    async def __call__(self, received: Message) -> None:
        async with self._arrived:
            self.messages.append(received)
            self._arrived.notify_all()

    async def wait_for(self, count: int) -> list[Message]:
        async with asyncio.timeout(5), self._arrived:
            await self._arrived.wait_for(lambda: len(self.messages) >= count)
        return self.messages


async def test_each_group_receives_every_message_in_order(bus: Bus) -> None:
    first, second = Received(), Received()
    await bus.subscribe(["a"], "first", first)
    await bus.subscribe(["a"], "second", second)
    await bus.publish([message("a", "k", number) for number in range(50)])
    for received in (first, second):
        values = [int(item.value) for item in await received.wait_for(50)]
        assert values == list(range(50))


async def test_a_group_hears_its_topics_only(bus: Bus) -> None:
    received = Received()
    await bus.subscribe(["a", "b"], "group", received)
    await bus.publish([message("c", "k", 0), message("b", "k", 1), message("a", "k", 2)])
    assert [item.topic for item in await received.wait_for(2)] == ["b", "a"]


async def test_headers_and_keys_arrive(bus: Bus) -> None:
    received = Received()
    await bus.subscribe(["a"], "group", received)
    await bus.publish([message("a", "booking-1", 7)])
    [item] = await received.wait_for(1)
    assert (item.key, item.headers["ce_id"], item.value) == ("booking-1", "booking-1", b"7")


async def test_a_failing_message_is_retried_then_dead_lettered_and_the_next_follows(
    bus: Bus,
) -> None:
    good, dead, tries = Received(), Received(), 0

    async def receiver(item: Message) -> None:
        nonlocal tries
        if item.value == b"0":
            tries += 1
            raise ValueError("cannot read 0")
        await good(item)

    await bus.subscribe(["a.dead-letter"], "undertaker", dead)
    await bus.subscribe(["a"], "group", receiver)
    await bus.publish([message("a", "k", 0), message("a", "k", 1)])
    [letter] = await dead.wait_for(1)
    assert [item.value for item in await good.wait_for(1)] == [b"1"]
    assert tries == 4, "the first delivery and three retries"
    assert letter.headers["error"] == "ValueError: cannot read 0"
    assert letter.headers["ce_id"] == "k"


async def test_a_message_that_fails_once_is_received_once(bus: Bus) -> None:
    received, failed = Received(), False

    async def receiver(item: Message) -> None:
        nonlocal failed
        if not failed:
            failed = True
            raise OSError("a passing trouble")
        await received(item)

    await bus.subscribe(["a"], "group", receiver)
    await bus.publish([message("a", "k", 1), message("a", "k", 2)])
    assert [item.value for item in await received.wait_for(2)] == [b"1", b"2"]
    assert failed


async def test_memory_refuses_a_group_twice() -> None:
    bus = MemoryBus()
    await bus.subscribe(["a"], "group", Received())
    with pytest.raises(ValueError, match="group"):
        await bus.subscribe(["a"], "group", Received())
    await bus.aclose()
