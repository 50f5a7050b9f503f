"""What is counted about the bus, in a registry that the caller owns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

PLACE = ("topic", "partition", "group")


class BusMetrics:
    """One per registry: prometheus refuses the same name twice."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.published = Counter(
            "atmr_bus_published", "Messages that the bus accepted", ["topic"], registry=registry
        )
        self.publish_failures = Counter(
            "atmr_bus_publish_failures",
            "Calls of publish that failed: unavailable, topic_missing",
            ["reason"],
            registry=registry,
        )
        self.received = Counter(
            "atmr_bus_received",
            "Messages that a receiver finished",
            ["topic", "group"],
            registry=registry,
        )
        self.failures = Counter(
            "atmr_bus_receiver_failures",
            "Times that a receiver failed: undecodable, dependency_down, error",
            ["topic", "group", "reason"],
            registry=registry,
        )
        self.dead_letters = Counter(
            "atmr_bus_dead_letters",
            "Messages put to the dead letters: undecodable, error",
            ["topic", "group", "reason"],
            registry=registry,
        )
        self.paused = Gauge(
            "atmr_bus_paused",
            "1 while a partition waits for something that its receiver needs",
            PLACE,
            registry=registry,
        )
        self.lag = Gauge(
            "atmr_bus_lag", "Messages that a group has not received yet", PLACE, registry=registry
        )
        self.commit_failures = Counter(
            "atmr_bus_commit_failures",
            "Offsets that could not be committed; their messages come again",
            ["group"],
            registry=registry,
        )

    def forget(self, topic: str, partition: int, group: str) -> None:
        """The partition is not ours any more: no value of ours is true of it."""
        for gauge in (self.paused, self.lag):
            gauge.remove(topic, str(partition), group)
