"""The bus by setting: Kafka, or the one within the process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from atmr_common.bus.lane import no_crash
from atmr_common.bus.memory import MemoryBus

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from atmr_common.bus.port import Bus
    from atmr_common.bus.settings import KafkaSettings
    from atmr_common.runtime.clock import Clock

log = structlog.get_logger(__name__)


def build_bus(
    settings: KafkaSettings | None,
    registry: CollectorRegistry,
    *,
    crash: Callable[[str], None] = no_crash,
    clock: Clock | None = None,
) -> Bus:
    """Once per service and registry, within the event loop; `aclose()` it at the end."""
    if settings is None:
        log.info("events stay within this process: ATMR_KAFKA_BOOTSTRAP is not set")
        return MemoryBus(registry=registry, crash=crash, clock=clock)
    from atmr_common.bus.kafka import KafkaBus  # noqa: PLC0415 (no Kafka, no client loaded)

    log.info(
        "events travel by Kafka",
        bootstrap=settings.bootstrap,
        security_protocol=settings.security_protocol,
    )
    return KafkaBus(settings, registry=registry, crash=crash, clock=clock)
