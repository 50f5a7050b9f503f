"""What only a broker between processes can do: groups that share, outages, and what is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from prometheus_client import CollectorRegistry
from support.kafka import MakeTopics
from support.kafka_servers import KafkaDistribution, RealKafka

from atmr_common.bus.delivery import DeliveryRules
from atmr_common.bus.kafka import KafkaBus
from atmr_common.bus.port import (
    BusUnavailableError,
    Message,
    MessageTooLargeError,
    Receiver,
    TopicMissingError,
)
from atmr_common.bus.settings import KafkaSettings

WAIT_S = 40
NOBODY = "127.0.0.1:9"
MakeBus = Callable[..., KafkaBus]


@pytest.fixture
async def make_bus() -> AsyncIterator[MakeBus]:
    made: list[KafkaBus] = []

    def make(
        bootstrap: str,
        *,
        rules: DeliveryRules | None = None,
        registry: CollectorRegistry | None = None,
        publish_timeout_s: float = 10.0,
        crash: Callable[[str], None] = lambda _: None,
    ) -> KafkaBus:
        bus = KafkaBus(
            KafkaSettings(bootstrap=bootstrap),
            rules=rules or DeliveryRules(backoff_s=0.01, max_backoff_s=0.1),
            registry=registry,
            publish_timeout_s=publish_timeout_s,
            crash=crash,
        )
        made.append(bus)
        return bus

    yield make
    await asyncio.gather(*(bus.aclose() for bus in made))


def message(topic: str, number: int, *, keys: int = 8) -> Message:
    return Message(topic=topic, key=f"key-{number % keys}", value=str(number).encode())


class Log:
    """What receivers got, in order, by whom; a test awaits a condition on it."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, Message]] = []
        self._changed = asyncio.Condition()

    def receiver(self, name: str) -> Receiver:
        async def receive(item: Message) -> None:
            async with self._changed:
                self.entries.append((name, item))
                self._changed.notify_all()

        return receive

    def numbers(self) -> list[int]:
        return [int(item.value) for _, item in self.entries]

    def holds(self, count: int) -> Callable[[], bool]:
        return lambda: set(self.numbers()) >= set(range(count))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S), self._changed:
            await self._changed.wait_for(condition)

    def assert_first_deliveries_in_order(self) -> None:
        """Repeats are allowed; the first delivery of each message of a key is in order."""
        seen: dict[str, list[int]] = {}
        for _, item in self.entries:
            of_key = seen.setdefault(item.key, [])
            if int(item.value) not in of_key:
                of_key.append(int(item.value))
        for key, of_key in seen.items():
            assert of_key == sorted(of_key), key


async def committed(bootstrap: str, group: str, topic: str, partitions: int = 3) -> int:
    """The sum of the group's committed offsets."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(partitions)]
        return sum([await consumer.committed(place) or 0 for place in places])
    finally:
        await consumer.stop()


async def test_a_new_group_begins_at_the_earliest_message(
    kafka_bootstrap: str, kafka_topics: MakeTopics, make_bus: MakeBus
) -> None:
    [topic] = await kafka_topics("a")
    bus, log = make_bus(kafka_bootstrap), Log()
    await bus.publish([message(topic, number) for number in range(20)])
    await bus.subscribe([topic], "late", log.receiver("late"))
    await log.until(lambda: len(log.entries) == 20)


async def test_closing_commits_so_the_next_member_repeats_nothing(
    kafka_bootstrap: str,
    kafka_topics: MakeTopics,
    make_bus: MakeBus,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("atmr_common.bus.kafka_group.COMMIT_PAUSE_S", 60)  # the close does it
    [topic] = await kafka_topics("a")
    name, log = f"g-{uuid4()}", Log()
    first = make_bus(kafka_bootstrap)
    await first.subscribe([topic], name, log.receiver("first"))
    await first.publish([message(topic, number) for number in range(100)])
    await log.until(lambda: len(log.entries) == 100)
    await first.aclose()
    assert await committed(kafka_bootstrap, name, topic, 4) == 100
    second = make_bus(kafka_bootstrap)
    await second.subscribe([topic], name, log.receiver("second"))
    await second.publish([message(topic, number) for number in range(100, 130)])
    await log.until(lambda: len(log.entries) >= 130)
    assert sorted(log.numbers()) == list(range(130)), "each once"


async def test_members_of_a_group_share_and_hand_over_without_loss_or_repeat(
    kafka_bootstrap: str, kafka_topics: MakeTopics, make_bus: MakeBus
) -> None:
    [topic] = await kafka_topics("a", partitions=6)
    name, log = f"g-{uuid4()}", Log()
    first, second = make_bus(kafka_bootstrap), make_bus(kafka_bootstrap)

    async def publish(start: int) -> None:
        for number in range(start, start + 300, 20):
            await first.publish([message(topic, n, keys=40) for n in range(number, number + 20)])

    await first.subscribe([topic], name, log.receiver("first"))
    await publish(0)
    await second.subscribe([topic], name, log.receiver("second"))
    await publish(300)
    start = 600
    while "second" not in {who for who, _ in log.entries}:
        assert start < 60_000, "the second member never got a partition"
        await publish(start)
        start += 300
    await second.aclose()
    await publish(start)
    total = start + 300
    await log.until(lambda: len(set(log.numbers())) == total)
    assert len(log.entries) == total, "handed over in order, nothing is repeated"
    log.assert_first_deliveries_in_order()


async def test_no_message_is_in_work_at_two_members_while_partitions_move(
    kafka_bootstrap: str, kafka_topics: MakeTopics, make_bus: MakeBus
) -> None:
    [topic] = await kafka_topics("a", partitions=2)
    name, log = f"g-{uuid4()}", Log()
    in_work: set[int | None] = set()
    overlaps: list[int | None] = []

    def slow(who: str) -> Receiver:
        note = log.receiver(who)

        async def receive(item: Message) -> None:
            if item.partition in in_work:
                overlaps.append(item.partition)
            in_work.add(item.partition)
            await asyncio.sleep(0.15)
            in_work.discard(item.partition)
            await note(item)

        return receive

    first, second = make_bus(kafka_bootstrap), make_bus(kafka_bootstrap)
    await first.publish([message(topic, number) for number in range(60)])
    await first.subscribe([topic], name, slow("first"))
    await log.until(lambda: len(log.entries) >= 4)
    await second.subscribe([topic], name, slow("second"))
    await log.until(lambda: len(set(log.numbers())) == 60)
    assert {who for who, _ in log.entries} == {"first", "second"}
    assert overlaps == []
    assert len(log.entries) == 60


async def test_a_full_lane_takes_no_more_and_loses_nothing(
    kafka_bootstrap: str,
    kafka_topics: MakeTopics,
    make_bus: MakeBus,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("atmr_common.bus.kafka_group.BUFFER", 20)
    monkeypatch.setattr("atmr_common.bus.kafka_group.RECORDS", 10)
    [topic] = await kafka_topics("a")
    bus, log, name = make_bus(kafka_bootstrap), Log(), f"g-{uuid4()}"
    release = asyncio.Event()
    note = log.receiver("one")

    async def receive(item: Message) -> None:
        await release.wait()
        await note(item)

    await bus.publish([message(topic, number, keys=1) for number in range(500)])
    await bus.subscribe([topic], name, receive)
    member = bus._groups[name]
    async with asyncio.timeout(WAIT_S):
        while not any(lane.backlog >= 20 for lane in member._lanes.values()):  # noqa: ASYNC110 (no event tells it)
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)  # time in which more would be fetched
    assert max(lane.backlog for lane in member._lanes.values()) <= 30
    release.set()
    await log.until(lambda: len(log.entries) == 500)
    assert log.numbers() == list(range(500))


async def test_the_java_clients_would_choose_the_same_partition(
    kafka_bootstrap: str, kafka_topics: MakeTopics, make_bus: MakeBus
) -> None:
    [topic] = await kafka_topics("a", partitions=5)
    bus, log = make_bus(kafka_bootstrap), Log()
    await bus.subscribe([topic], f"g-{uuid4()}", log.receiver("one"))
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await producer.start()
    try:
        for number in range(25):
            sent = message(topic, number, keys=25)
            await producer.send_and_wait(topic, sent.value, sent.key.encode())
            await bus.publish([sent])
    finally:
        await producer.stop()
    await log.until(lambda: len(log.entries) == 50)
    places: dict[str, set[int | None]] = {}
    for _, item in log.entries:
        places.setdefault(item.key, set()).add(item.partition)
    assert all(len(of_key) == 1 for of_key in places.values())


async def test_a_batch_larger_than_a_request_arrives_whole_and_in_order(
    kafka_bootstrap: str, kafka_topics: MakeTopics, make_bus: MakeBus
) -> None:
    [topic] = await kafka_topics("a", partitions=2)
    bus, log = make_bus(kafka_bootstrap), Log()
    await bus.subscribe([topic], f"g-{uuid4()}", log.receiver("one"))
    filler = b" " * 100_000
    await bus.publish(
        [Message(topic=topic, key="k", value=str(number).encode() + filler) for number in range(30)]
    )
    await log.until(lambda: len(log.entries) == 30)
    assert log.numbers() == list(range(30))


async def test_a_missing_topic_names_the_command_and_leaves_the_bus_usable(
    real_kafka: str, kafka_topics: MakeTopics, make_bus: MakeBus
) -> None:
    [topic] = await kafka_topics("a")
    bus = make_bus(real_kafka)
    with pytest.raises(TopicMissingError, match="atmr topics apply"):
        await bus.publish([message("no.such.topic", 1)])
    await bus.publish([message(topic, 1)])


async def test_what_no_broker_takes_is_refused_before_anything_is_sent(make_bus: MakeBus) -> None:
    bus = make_bus(NOBODY)
    with pytest.raises(MessageTooLargeError, match="key-1"):
        await bus.publish([Message(topic="a", key="key-1", value=b"x" * 8_000_001)])


async def test_without_a_broker_publishing_fails_soon_and_subscribing_waits(
    make_bus: MakeBus,
) -> None:
    registry = CollectorRegistry()
    bus, log = make_bus(NOBODY, registry=registry), Log()
    async with asyncio.timeout(8):
        await bus.subscribe(["a"], "group", log.receiver("one"))
        await bus.tail(["a"], log.receiver("two"))
        for _ in range(2):
            with pytest.raises(BusUnavailableError, match=NOBODY.replace(".", r"\.")):
                await bus.publish([message("a", 1)])
        with pytest.raises(BusUnavailableError):
            await bus.lag("group")
        await bus.aclose()
    failures = registry.get_sample_value(
        "atmr_bus_publish_failures_total", {"reason": "unavailable"}
    )
    assert failures == 2


async def test_a_broker_killed_and_started_again_loses_nothing_and_keeps_the_order(
    own_kafka: KafkaDistribution, make_bus: MakeBus
) -> None:
    await RealKafka().make_topics(own_kafka.bootstrap, ["a", "a.dead-letter"], 3)
    registry = CollectorRegistry()
    bus, log = make_bus(own_kafka.bootstrap, registry=registry, publish_timeout_s=1.0), Log()
    tailed = Log()
    await bus.subscribe(["a"], "group", log.receiver("one"))
    await bus.tail(["a"], tailed.receiver("tail"))
    accepted = refused = 0

    async def publish_next() -> None:
        """As the relay does: the same batch again until it is accepted."""
        nonlocal accepted, refused
        batch = [message("a", number) for number in range(accepted, accepted + 10)]
        while True:
            try:
                await bus.publish(batch)
            except BusUnavailableError:
                refused += 1
                await asyncio.sleep(0.1)
            else:
                accepted += 10
                return

    for _ in range(20):
        await publish_next()
    await log.until(lambda: len(log.entries) >= 100)
    await asyncio.to_thread(own_kafka.kill)
    publishing = asyncio.create_task(publish_next())
    await asyncio.sleep(3)  # the outage
    assert not publishing.done()
    await asyncio.to_thread(own_kafka.start)
    async with asyncio.timeout(WAIT_S):
        await publishing
    for _ in range(20):
        await publish_next()
    assert refused > 0
    for each in (log, tailed):
        await each.until(each.holds(accepted))
        each.assert_first_deliveries_in_order()
    dead = registry.get_sample_value(
        "atmr_bus_dead_letters_total", {"topic": "a", "group": "group", "reason": "error"}
    )
    assert dead is None, "an outage dead-letters nothing"


async def test_a_service_that_starts_before_its_broker_hears_everything(
    own_kafka: KafkaDistribution, make_bus: MakeBus
) -> None:
    await RealKafka().make_topics(own_kafka.bootstrap, ["a", "a.dead-letter"], 3)
    await asyncio.to_thread(own_kafka.kill)
    bus, log = make_bus(own_kafka.bootstrap, publish_timeout_s=1.0), Log()
    await bus.subscribe(["a"], "group", log.receiver("one"))
    with pytest.raises(BusUnavailableError):
        await bus.publish([message("a", 0)])
    await asyncio.to_thread(own_kafka.start)
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                await bus.publish([message("a", number) for number in range(10)])
            except BusUnavailableError:
                await asyncio.sleep(0.2)
            else:
                break
    await log.until(lambda: set(log.numbers()) == set(range(10)))


async def test_a_crash_between_the_effect_and_its_offset_repeats_the_message(
    kafka_bootstrap: str, kafka_topics: MakeTopics, make_bus: MakeBus
) -> None:
    [topic] = await kafka_topics("a")
    name, log, reached = f"g-{uuid4()}", Log(), asyncio.Event()

    def crash(point: str) -> None:
        assert point == "consumer.handled"
        if len(log.entries) == 3:
            reached.set()
            raise SystemError("the process would be gone here")

    bus = make_bus(kafka_bootstrap, crash=crash)
    await bus.publish([message(topic, number, keys=1) for number in range(5)])
    await bus.subscribe([topic], name, log.receiver("one"))
    async with asyncio.timeout(WAIT_S):
        await reached.wait()
    await log.until(lambda: len(log.entries) == 6)
    assert log.numbers() == [0, 1, 2, 2, 3, 4]


async def test_foreign_records_reach_the_receiver_whatever_they_hold(
    kafka_bootstrap: str, kafka_topics: MakeTopics, make_bus: MakeBus
) -> None:
    [topic] = await kafka_topics("a")
    bus, received = make_bus(kafka_bootstrap), asyncio.Queue[Message]()
    await bus.subscribe([topic], f"g-{uuid4()}", received.put)
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await producer.start()
    try:
        headers = [("odd", b"\xff\xfe")]
        await producer.send_and_wait(topic, None, b"\xff-key", headers=headers)
    finally:
        await producer.stop()
    async with asyncio.timeout(WAIT_S):
        item = await received.get()
    assert (item.key, item.value, item.headers) == ("\\xff-key", b"", {"odd": "\\xff\\xfe"})


async def test_the_groups_of_a_closed_bus_have_left(real_kafka: str, make_bus: MakeBus) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=real_kafka)
    name = f"g-{uuid4()}"
    topic = f"t{uuid4().hex[:8]}"
    await RealKafka().make_topics(real_kafka, [topic], 1)
    bus, log = make_bus(real_kafka), Log()
    await bus.publish([message(topic, 1)])
    await bus.subscribe([topic], name, log.receiver("one"))
    await log.until(lambda: len(log.entries) == 1)
    await bus.aclose()
    await admin.start()
    try:
        [answer] = await admin.describe_consumer_groups([name])
        [described] = answer.groups
        assert described[2] == "Empty", "so that the next member need not wait for a session"
    finally:
        await admin.close()
