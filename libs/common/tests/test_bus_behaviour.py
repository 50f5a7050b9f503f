"""What every bus does; each adapter is run through the same tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry

from atmr_common.bus.delivery import DeliveryRules
from atmr_common.bus.kafka import KafkaBus
from atmr_common.bus.memory import MemoryBus
from atmr_common.bus.port import (
    DEAD_LETTER,
    Bus,
    DependencyDownError,
    Message,
    UndecodableError,
)
from atmr_common.bus.settings import KafkaSettings

WAIT_S = 20
QUICK = DeliveryRules(backoff_s=0.001, max_backoff_s=0.02)


@dataclass(frozen=True)
class World:
    """A bus, its metrics, and topics that no other test knows."""

    bus: Bus
    registry: CollectorRegistry
    topics: Callable[..., Awaitable[list[str]]]

    def metric(self, name: str, **labels: str) -> float:
        """The sum over all samples of `name` that have `labels`."""
        samples = [
            sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        return sum(samples)


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    registry = CollectorRegistry()
    bus: Bus
    if request.param == "memory":
        bus = MemoryBus(rules=QUICK, registry=registry)

        async def topics(*names: str) -> list[str]:
            return list(names)

        yield World(bus, registry, topics)
    else:
        settings = KafkaSettings(bootstrap=request.getfixturevalue("kafka_bootstrap"))
        bus = KafkaBus(settings, rules=QUICK, registry=registry)
        yield World(bus, registry, request.getfixturevalue("kafka_topics"))
    await bus.aclose()


def message(topic: str, key: str, number: int) -> Message:
    return Message(topic=topic, key=key, value=str(number).encode(), headers={"ce_id": key})


def group() -> str:
    return f"group-{uuid4().hex[:8]}"


def numbers(messages: list[Message]) -> list[int]:
    return [int(item.value) for item in messages]


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
        async with asyncio.timeout(WAIT_S), self._arrived:
            await self._arrived.wait_for(lambda: len(self.messages) >= count)
        return self.messages


async def test_each_group_receives_every_message_in_order(world: World) -> None:
    [topic] = await world.topics("a")
    first, second = Received(), Received()
    await world.bus.subscribe([topic], group(), first)
    await world.bus.subscribe([topic], group(), second)
    await world.bus.publish([message(topic, "k", number) for number in range(50)])
    await world.bus.publish([message(topic, "k", number) for number in range(50, 60)])
    for received in (first, second):
        assert numbers(await received.wait_for(60)) == list(range(60))


async def test_messages_of_a_key_keep_their_order_among_many_keys(world: World) -> None:
    [topic] = await world.topics("a")
    received = Received()
    await world.bus.subscribe([topic], group(), received)
    keys = [f"key-{number % 17}" for number in range(600)]
    await world.bus.publish([message(topic, key, number) for number, key in enumerate(keys)])
    messages = await received.wait_for(600)
    for key in set(keys):
        of_key = [item for item in messages if item.key == key]
        assert numbers(of_key) == sorted(numbers(of_key))
        assert len({item.partition for item in of_key}) == 1
    assert len({item.partition for item in messages}) > 1


async def test_a_group_hears_its_topics_only(world: World) -> None:
    a, b, c = await world.topics("a", "b", "c")
    received = Received()
    await world.bus.subscribe([a, b], group(), received)
    await world.bus.publish([message(c, "k", 0), message(b, "k", 1), message(a, "k", 2)])
    assert {item.topic for item in await received.wait_for(2)} == {a, b}


async def test_headers_keys_and_places_arrive(world: World) -> None:
    [topic] = await world.topics("a")
    received = Received()
    await world.bus.subscribe([topic], group(), received)
    await world.bus.publish([message(topic, "booking-1", 7), message(topic, "booking-1", 8)])
    first, second = await received.wait_for(2)
    assert (first.key, first.headers, first.value) == ("booking-1", {"ce_id": "booking-1"}, b"7")
    assert first.partition == second.partition
    assert first.offset is not None
    assert second.offset == first.offset + 1
    assert first.accepted_at_ms is not None


async def test_text_outside_ascii_arrives_unharmed(world: World) -> None:
    [topic] = await world.topics("a")
    received = Received()
    await world.bus.subscribe([topic], group(), received)
    sent = Message(topic=topic, key="Zürich→Genève", value=b"\x00\xff", headers={"x": "é\n"})
    await world.bus.publish([sent])
    [item] = await received.wait_for(1)
    assert (item.key, item.value, item.headers) == (sent.key, sent.value, sent.headers)


async def test_a_failing_message_is_retried_then_dead_lettered_and_the_next_follows(
    world: World,
) -> None:
    [topic] = await world.topics("a")
    good, dead, tries, name = Received(), Received(), 0, group()

    async def receiver(item: Message) -> None:
        nonlocal tries
        if item.value == b"0":
            tries += 1
            raise ValueError("cannot read 0")
        await good(item)

    await world.bus.subscribe([topic + DEAD_LETTER], group(), dead)
    await world.bus.subscribe([topic], name, receiver)
    await world.bus.publish([message(topic, "k", 0), message(topic, "k", 1)])
    [letter] = await dead.wait_for(1)
    assert numbers(await good.wait_for(1)) == [1]
    assert tries == 4, "the first delivery and three retries"
    assert letter.headers["error"] == "ValueError"
    assert letter.headers["original-topic"] == topic
    assert letter.headers["failed-group"] == name
    assert (letter.headers["ce_id"], letter.key, letter.value) == ("k", "k", b"0")
    assert world.metric("atmr_bus_dead_letters_total", topic=topic, reason="error") == 1


async def test_what_cannot_be_decoded_is_dead_lettered_at_once(world: World) -> None:
    [topic] = await world.topics("a")
    dead, tries = Received(), 0

    async def receiver(_: Message) -> None:
        nonlocal tries
        tries += 1
        raise UndecodableError("no JSON")

    await world.bus.subscribe([topic + DEAD_LETTER], group(), dead)
    await world.bus.subscribe([topic], group(), receiver)
    await world.bus.publish([message(topic, "k", 0)])
    [letter] = await dead.wait_for(1)
    assert tries == 1
    assert letter.headers["error"] == "UndecodableError: no JSON"
    assert world.metric("atmr_bus_dead_letters_total", reason="undecodable") == 1


async def test_while_a_dependency_is_down_nothing_is_dead_lettered_and_the_order_is_kept(
    world: World,
) -> None:
    [topic] = await world.topics("a")
    received, waited, tries = Received(), asyncio.Event(), 0
    up = asyncio.Event()

    async def receiver(item: Message) -> None:
        nonlocal tries
        if not up.is_set():
            tries += 1
            if tries == 12:
                waited.set()
            raise DependencyDownError("the database restarts")
        await received(item)

    await world.bus.subscribe([topic], group(), receiver)
    await world.bus.publish([message(topic, "k", number) for number in range(5)])
    async with asyncio.timeout(WAIT_S):
        await waited.wait()
    assert world.metric("atmr_bus_paused", topic=topic) == 1
    up.set()
    assert numbers(await received.wait_for(5)) == list(range(5))
    assert world.metric("atmr_bus_dead_letters_total") == 0
    assert world.metric("atmr_bus_paused", topic=topic) == 0


async def test_a_paused_partition_does_not_hold_up_the_others(world: World) -> None:
    [topic] = await world.topics("a")
    received = Received()

    async def receiver(item: Message) -> None:
        if item.key == "stuck":
            raise ConnectionRefusedError
        await received(item)

    await world.bus.subscribe([topic], group(), receiver)
    await world.bus.publish([message(topic, "stuck", 0)])
    await world.bus.publish([message(topic, f"key-{number}", number) for number in range(40)])
    places = {item.partition for item in await received.wait_for(15)}
    assert len(places) > 1, "the other partitions go on"


async def test_a_message_that_fails_once_is_received_once(world: World) -> None:
    [topic] = await world.topics("a")
    received, failed = Received(), False

    async def receiver(item: Message) -> None:
        nonlocal failed
        if not failed:
            failed = True
            raise OSError("a passing trouble")
        await received(item)

    await world.bus.subscribe([topic], group(), receiver)
    await world.bus.publish([message(topic, "k", 1), message(topic, "k", 2)])
    assert numbers(await received.wait_for(2)) == [1, 2]
    assert failed


async def test_a_dead_letter_that_fails_again_waits_and_is_not_lost(world: World) -> None:
    [topic] = await world.topics("a")
    received, failures = Received(), 0

    async def receiver(item: Message) -> None:
        nonlocal failures
        if failures < 6:
            failures += 1
            raise UndecodableError("nor can the undertaker read it")
        await received(item)

    await world.bus.subscribe([topic + DEAD_LETTER], group(), receiver)
    await world.bus.publish([message(topic + DEAD_LETTER, "k", 1)])
    assert numbers(await received.wait_for(1)) == [1]


async def test_a_tail_hears_all_that_comes_later_and_repeats_nothing(world: World) -> None:
    [topic] = await world.topics("a")
    await world.bus.publish([message(topic, "k", 0)])
    first, second = Received(), Received()

    async def failing(item: Message) -> None:
        await second(item)
        raise ValueError("a view that is gone")

    await world.bus.tail([topic], first)
    await world.bus.tail([topic], failing)
    await world.bus.publish([message(topic, "k", number) for number in (1, 2, 3)])
    for received in (first, second):
        assert numbers(await received.wait_for(3)) == [1, 2, 3]
    assert world.metric("atmr_bus_dead_letters_total") == 0
    assert world.metric("atmr_bus_receiver_failures_total", group="(tail)") == 3


async def test_closing_finishes_the_message_in_work_and_begins_no_other(world: World) -> None:
    [topic] = await world.topics("a")
    started, release, finished = asyncio.Event(), asyncio.Event(), Received()

    async def receiver(item: Message) -> None:
        started.set()
        await release.wait()
        await finished(item)

    await world.bus.subscribe([topic], group(), receiver)
    await world.bus.publish([message(topic, "k", 1), message(topic, "k", 2)])
    async with asyncio.timeout(WAIT_S):
        await started.wait()
        closing = asyncio.create_task(world.bus.aclose())
        assert not (await asyncio.wait({closing}, timeout=0.2))[0], "it waits for the receiver"
        release.set()
        await closing
    assert numbers(finished.messages) == [1]


async def test_the_lag_is_what_waits(world: World) -> None:
    [topic] = await world.topics("a")
    started, release, received, name = asyncio.Event(), asyncio.Event(), Received(), group()

    async def receiver(item: Message) -> None:
        started.set()
        await release.wait()
        await received(item)

    await world.bus.subscribe([topic], name, receiver)
    await world.bus.publish([message(topic, "k", number) for number in range(7)])
    async with asyncio.timeout(WAIT_S):
        await started.wait()
    assert sum((await world.bus.lag(name)).values()) == 7
    release.set()
    await received.wait_for(7)
    async with asyncio.timeout(WAIT_S):
        while sum((await world.bus.lag(name)).values()):  # noqa: ASYNC110 (a lag is asked for)
            await asyncio.sleep(0.01)


async def test_a_bus_has_one_receiver_for_a_group(world: World) -> None:
    [topic] = await world.topics("a")
    await world.bus.subscribe([topic], "twice", Received())
    with pytest.raises(ValueError, match="twice"):
        await world.bus.subscribe([topic], "twice", Received())


async def test_publishing_nothing_is_no_error(world: World) -> None:
    await world.bus.publish([])


async def test_the_crash_point_lies_behind_the_receiver() -> None:
    reached: list[tuple[str, int]] = []
    received = Received()
    bus = MemoryBus(crash=lambda point: reached.append((point, len(received.messages))))
    await bus.subscribe(["a"], "group", received)
    await bus.publish([message("a", "k", 1)])
    await received.wait_for(1)
    await bus.aclose()
    assert reached == [("consumer.handled", 1)]
