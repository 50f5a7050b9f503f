"""Builds the ports from the settings: the one place that knows which adapters there are."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
from prometheus_client import CollectorRegistry

from atmr_common.bus.memory import MemoryBus
from atmr_common.bus.port import Bus
from atmr_common.cache.memory import MemoryCache
from atmr_common.database.engine import Database
from atmr_common.database.outbox import Outbox, OutboxRelay
from atmr_common.runtime.clock import Clock, SystemClock
from atmr_common.runtime.service_process import ConfigurationError
from atmr_common.travel.build import build_travel
from atmr_common.web.tokens import TokenVerifier
from dispatch_api import schema
from dispatch_api.geocoding.errors import IndexUnusableError
from dispatch_api.geocoding.offline_index import OfflineGeocoder
from dispatch_api.patients.master_key import read_master_key
from dispatch_api.patients.vault import PatientVault
from dispatch_api.ports import Ports
from dispatch_api.settings import DispatchSettings

SOURCE = "/atmr/dispatch-api"


@asynccontextmanager
async def make_ports(
    settings: DispatchSettings,
    *,
    bus: Bus | None = None,
    clock: Clock | None = None,
    jwks: dict[str, Any] | None = None,
    http: httpx.AsyncClient | None = None,
) -> AsyncIterator[Ports]:
    """The ports of one process; what is not handed in is made from the settings, and closed."""
    clock = clock or SystemClock()
    registry = CollectorRegistry()
    vault = PatientVault(read_master_key(settings))
    verifier = _verifier(settings, jwks)
    async with AsyncExitStack() as own:
        if bus is None:
            bus = MemoryBus()
            own.push_async_callback(bus.aclose)
        geocoder = _geocoder(settings)
        if geocoder is not None:
            own.callback(geocoder.close)
        database = Database(
            settings.database_url.get_secret_value(), pool_size=settings.database_pool_size
        )
        own.push_async_callback(database.aclose)
        travel = build_travel(settings.travel, cache=MemoryCache(), registry=registry, client=http)
        own.push_async_callback(travel.aclose)
        yield Ports(
            database=database,
            bus=bus,
            outbox=Outbox(schema.outbox, source=SOURCE, clock=clock),
            relay=OutboxRelay(database, schema.outbox, bus),
            travel=travel,
            geocoder=geocoder,
            vault=vault,
            verifier=verifier,
            clock=clock,
            registry=registry,
        )


def _geocoder(settings: DispatchSettings) -> OfflineGeocoder | None:
    if settings.places_index is None:
        return None
    try:
        return OfflineGeocoder(settings.places_index)
    except IndexUnusableError as error:
        raise ConfigurationError(f"ATMR_PLACES_INDEX cannot be used: {error}") from error


def _verifier(settings: DispatchSettings, jwks: dict[str, Any] | None) -> TokenVerifier:
    keys = _key_set(settings) if jwks is None else jwks
    return TokenVerifier(issuer=settings.auth_issuer, audience=settings.auth_audience, jwks=keys)


def _key_set(settings: DispatchSettings) -> dict[str, Any]:
    if settings.auth_jwks_file is None:
        raise ConfigurationError("Set ATMR_AUTH_JWKS_FILE to the issuer's JSON Web Key Set.")
    try:
        keys: dict[str, Any] = json.loads(settings.auth_jwks_file.read_text())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"ATMR_AUTH_JWKS_FILE cannot be read: {error}") from error
    return keys
