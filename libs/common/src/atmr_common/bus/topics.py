"""The topics of the catalogue on a broker: what they should be, what they are, and the difference.

Each has its dead-letter topic, with as many partitions and kept no longer than the topic itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from atmr_common.bus.kafka_publisher import MAX_MESSAGE
from atmr_common.bus.port import DEAD_LETTER
from atmr_common.contracts.catalogue import TOPICS, WEEK_HOURS, TopicSettings

if TYPE_CHECKING:
    from atmr_common.bus.settings import KafkaSettings

HOUR_MS = 3_600_000
OVERHEAD = 100_000
"""Bytes of a message's headers, key and frame, at most."""
BROKERS_DEFAULT = -1
UNKNOWN_TOPIC = 3
SET_ON_TOPIC = 1
"""The source of a value that was set on the topic itself, in Kafka's protocol."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it is wanted or found; `config` has the broker's own names and values."""

    name: str
    partitions: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing of a topic that is not as the catalogue has it."""

    topic: str
    what: str
    """`missing`, `partitions`, or the name of a configuration value."""
    wanted: str
    found: str | None

    @property
    def sentence(self) -> str:
        """For a person."""
        if self.what == "missing":
            return f"{self.topic} is missing."
        return f"{self.topic}: {self.what} is {self.found}, and should be {self.wanted}."


def wanted_topics(catalogue: Mapping[str, TopicSettings] = TOPICS) -> list[Topic]:
    """Every topic of the catalogue, each followed by its dead letters."""
    wanted = []
    for name, settings in catalogue.items():
        letters_hours = settings.retention_hours or WEEK_HOURS
        policy = "compact" if settings.compacted else "delete"
        own = _config(settings, settings.retention_hours, policy)
        letters = _config(settings, letters_hours, "delete")
        wanted.append(Topic(name, settings.partitions, own))
        wanted.append(Topic(name + DEAD_LETTER, settings.partitions, letters))
    return wanted


def differences(wanted: Iterable[Topic], found: Mapping[str, Topic]) -> list[Difference]:
    """What to change so that `found` becomes `wanted`."""
    result = []
    for topic in wanted:
        there = found.get(topic.name)
        if there is None:
            result.append(Difference(topic.name, "missing", "there", None))
            continue
        if there.partitions != topic.partitions:
            counts = str(topic.partitions), str(there.partitions)
            result.append(Difference(topic.name, "partitions", *counts))
        result += [
            Difference(topic.name, name, value, there.config.get(name))
            for name, value in topic.config.items()
            if there.config.get(name) != value
        ]
    return result


class TopicAdministration:
    """Reads and changes the topics of one cluster; every method raises KafkaError."""

    def __init__(self, client: AIOKafkaAdminClient) -> None:
        self._client = client

    async def found(self, names: Iterable[str]) -> dict[str, Topic]:
        """Those of `names` that are there."""
        described = await self._client.describe_topics(list(names))
        partitions = {}
        for each in described:
            if each["error_code"] == 0:
                partitions[each["topic"]] = len(each["partitions"])
            elif each["error_code"] != UNKNOWN_TOPIC:
                raise for_code(each["error_code"])(each["topic"])
        configs = await self._configs(partitions)
        return {
            name: Topic(name, count, {key: value for key, (value, _) in configs[name].items()})
            for name, count in partitions.items()
        }

    async def create(self, topics: Iterable[Topic], *, replication: int = BROKERS_DEFAULT) -> None:
        """New topics; `replication` is the number of copies, else what the broker does."""
        new = []
        for topic in topics:
            each = NewTopic(topic.name, topic.partitions, 1, topic_configs=dict(topic.config))
            each.replication_factor = replication  # its constructor refuses the broker's default
            new.append(each)
        if new:
            answer = await self._client.create_topics(new)
            for name, code, message in answer.topic_errors:
                if code:
                    raise for_code(code)(f"{name}: {message}")

    async def configure(self, topic: Topic) -> None:
        """Set the topic's configuration; what others set on it stays."""
        present = (await self._configs([topic.name]))[topic.name]
        kept = {name: value for name, (value, source) in present.items() if source == SET_ON_TOPIC}
        resource = ConfigResource(ConfigResourceType.TOPIC, topic.name, {**kept, **topic.config})
        for answer in await self._client.alter_configs([resource]):
            for code, message, *_ in answer.resources:
                if code:
                    raise for_code(code)(f"{topic.name}: {message}")

    async def raise_partitions(self, topic: Topic) -> None:
        """More partitions: keys move to others, and their order is lost at that moment."""
        await self._client.create_partitions({topic.name: NewPartitions(topic.partitions)})

    async def _configs(self, names: Iterable[str]) -> dict[str, dict[str, tuple[str, int]]]:
        """Value and source of every configuration entry, by topic."""
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        if not resources:
            return {}
        return {
            name: {entry[0]: (entry[1], entry[3]) for entry in entries}
            for answer in await self._client.describe_configs(resources)
            for _, _, _, name, entries in answer.resources
        }


@asynccontextmanager
async def topic_administration(settings: KafkaSettings) -> AsyncIterator[TopicAdministration]:
    """Connected within the block; KafkaError where no broker answers."""
    client = AIOKafkaAdminClient(**settings.connection(), request_timeout_ms=15_000)
    try:
        await client.start()
        yield TopicAdministration(client)
    finally:
        await client.close()


def _config(settings: TopicSettings, hours: int | None, policy: str) -> dict[str, str]:
    return {
        "cleanup.policy": policy,
        "retention.ms": "-1" if hours is None else str(hours * HOUR_MS),
        "segment.ms": str(settings.segment_hours * HOUR_MS),
        "max.message.bytes": str(MAX_MESSAGE + OVERHEAD),
    }


__all__ = [
    "Difference",
    "KafkaError",
    "Topic",
    "TopicAdministration",
    "differences",
    "topic_administration",
    "wanted_topics",
]
