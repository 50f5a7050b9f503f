"""What is counted about the outbox, in a registry that the caller owns."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class RelayMetrics:
    """One per registry. Gauges are of the slots that this process leads: sum them over all."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.waiting = Gauge(
            "atmr_outbox_rows_waiting",
            "Events that wait for the broker, counted up to 100,000",
            registry=registry,
        )
        self.oldest_age = Gauge(
            "atmr_outbox_oldest_age_seconds",
            "How long the oldest event has been waiting",
            registry=registry,
        )
        self.slots_led = Gauge(
            "atmr_outbox_slots_led",
            "Slots of keys that this process publishes; over all processes it is 8",
            registry=registry,
        )
        self.published = Counter(
            "atmr_outbox_published", "Events that the broker accepted", registry=registry
        )
        self.failures = Counter(
            "atmr_outbox_relay_failures",
            "Times that the relay had to begin again, by what was away: database, bus",
            ["away"],
            registry=registry,
        )
        self.refused = Counter(
            "atmr_outbox_refused",
            "Events set aside because the broker refused them for good",
            registry=registry,
        )
