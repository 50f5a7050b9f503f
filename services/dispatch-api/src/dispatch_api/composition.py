"""Builds the ports from the settings: the one place that knows which adapters there are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import httpx
from prometheus_client import CollectorRegistry

from atmr_common.bus.build import build_bus
from atmr_common.bus.port import Bus
from atmr_common.cache.build import open_caches
from atmr_common.database.engine import Database
from atmr_common.database.idempotency import AnswerStore
from atmr_common.database.outbox import Outbox
from atmr_common.database.relay import OutboxRelay
from atmr_common.database.relay_metrics import RelayMetrics
from atmr_common.observability.traced_bus import TracedBus
from atmr_common.observability.tracer_building import build_tracer
from atmr_common.observability.tracing import Tracer
from atmr_common.runtime.clock import Clock, SystemClock
from atmr_common.runtime.crash_points import CrashPoints
from atmr_common.runtime.lifecycle import stop_in_time
from atmr_common.runtime.service_process import ConfigurationError
from atmr_common.travel.build import build_travel
from atmr_common.web.identity_parts import build_identity
from atmr_common.web.rate_limits import DoorLimits
from dispatch_api import schema
from dispatch_api.bookings.express.build import booking_writers
from dispatch_api.geocoding.errors import IndexUnusableError
from dispatch_api.geocoding.offline_index import OfflineGeocoder
from dispatch_api.patients.master_key import read_master_keys
from dispatch_api.patients.vault import PatientVault
from dispatch_api.ports import Ports
from dispatch_api.settings import DispatchSettings
from dispatch_api.usage.quotas import Quotas

SOURCE = "/atmr/dispatch-api"


@asynccontextmanager
async def make_ports(
    settings: DispatchSettings,
    *,
    bus: Bus | None = None,
    clock: Clock | None = None,
    jwks: dict[str, Any] | None = None,
    http: httpx.AsyncClient | None = None,
    tracer: Tracer | None = None,
) -> AsyncIterator[Ports]:
    """The ports of one process; what is not handed in is made from the settings, and closed."""
    clock = clock or SystemClock()
    registry = CollectorRegistry()
    crash = CrashPoints.from_setting(settings.crash_at, environment=settings.environment)
    vault = PatientVault(read_master_keys(settings))
    identity = build_identity(settings, registry=registry, jwks=jwks)
    async with AsyncExitStack() as own:
        own.push_async_callback(identity.aclose)
        if tracer is None:
            tracer = _tracer(settings)
            own.push_async_callback(tracer.aclose)
        geocoder = _geocoder(settings)
        if geocoder is not None:
            own.callback(geocoder.close)
        database = _database(settings)
        own.push_async_callback(stop_in_time, "database", database.aclose)
        if bus is None:  # closed before the database, which its receivers use to their end
            bus = build_bus(settings.kafka, registry, crash=crash)
            own.push_async_callback(stop_in_time, "bus", bus.aclose)
        bus = TracedBus(bus, tracer)
        relay = _relay(settings, bus, clock, registry, crash)
        own.push_async_callback(relay.aclose)
        caches = await own.enter_async_context(open_caches(settings.redis, registry))
        travel = build_travel(settings.travel, cache=caches.cache, registry=registry, client=http)
        own.push_async_callback(travel.aclose)
        ports = Ports(
            database=database,
            bus=bus,
            outbox=Outbox(schema.outbox, source=SOURCE, clock=clock),
            answers=AnswerStore(schema.idempotency_key, secret=vault.answers_secret, clock=clock),
            relay=relay,
            travel=travel,
            geocoder=geocoder,
            vault=vault,
            identity=identity,
            limits=DoorLimits(settings.door_limits, caches.limiter, registry),
            quotas=Quotas(settings.quotas, clock, registry),
            clock=clock,
            registry=registry,
            tracer=tracer,
            crash=crash,
        )
        if settings.booking_group_commit:
            ports = replace(ports, express=booking_writers(settings, ports))
        yield ports


def _database(settings: DispatchSettings) -> Database:
    return Database(
        settings.database_url.get_secret_value(),
        schema=schema.SCHEMA,
        pool_size=settings.database_pool_size,
    )


def _relay(
    settings: DispatchSettings,
    bus: Bus,
    clock: Clock,
    registry: CollectorRegistry,
    crash: CrashPoints,
) -> OutboxRelay:
    return OutboxRelay(
        settings.database_url.get_secret_value(),
        schema.outbox,
        bus,
        clock=clock,
        metrics=RelayMetrics(registry),
        crash=crash if crash.chances else None,
    )


def _tracer(settings: DispatchSettings) -> Tracer:
    return build_tracer(
        settings.otlp_endpoint,
        sample_ratio=settings.trace_sample_ratio,
        service="dispatch-api",
        version=version("atmr-dispatch-api"),
    )


def _geocoder(settings: DispatchSettings) -> OfflineGeocoder | None:
    if settings.places_index is None:
        return None
    try:
        return OfflineGeocoder(settings.places_index)
    except IndexUnusableError as error:
        raise ConfigurationError(f"ATMR_PLACES_INDEX cannot be used: {error}") from error
