"""The table of servers that standalone runs: one row each, in the order in which they start.

A new server is a new row, and the function that builds its application from what all share.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr

from atmr_common.bus.port import Bus
from atmr_common.runtime.clock import Clock
from atmr_common.web.tokens import DEVELOPMENT_ISSUER
from dispatch_api.app import create_app
from dispatch_api.composition import make_ports
from dispatch_api.settings import DispatchSettings
from standalone.settings import StandaloneSettings, read_settings

__all__ = ["AUDIENCE", "SERVERS", "ServerKind", "Shared"]

AUDIENCE = "atmr"


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What the servers of one process have in common."""

    database_url: str
    bus: Bus
    clock: Clock
    jwks: dict[str, Any]
    patient_key_file: Path


@dataclass(frozen=True, kw_only=True)
class ServerKind:
    """One server: its port is the base plus `port_offset` unless `own_port` is set."""

    name: str
    port_offset: int
    port_setting: str
    own_port: Callable[[StandaloneSettings], int | None]
    package: str  # whose migrations
    schema: str  # for which schema
    application: Callable[[Shared], AbstractAsyncContextManager[FastAPI]]

    def port(self, settings: StandaloneSettings) -> int:
        own = self.own_port(settings)
        if own is not None:
            return own
        return settings.port_base + self.port_offset if settings.port_base else 0


@asynccontextmanager
async def _dispatch_api(shared: Shared) -> AsyncIterator[FastAPI]:
    settings = read_settings(DispatchSettings)
    update: dict[str, object] = {
        "database_url": SecretStr(shared.database_url),
        "auth_issuer": DEVELOPMENT_ISSUER,
        "auth_audience": AUDIENCE,
        "worker_in_process": True,
    }
    if settings.patient_key_file is None and settings.patient_key is None:
        update["patient_key_file"] = shared.patient_key_file
    settings = settings.model_copy(update=update)
    async with make_ports(settings, bus=shared.bus, clock=shared.clock, jwks=shared.jwks) as ports:
        yield create_app(settings, ports)


SERVERS = (
    ServerKind(
        name="dispatch-api",
        port_offset=0,
        port_setting="ATMR_DISPATCH_PORT",
        own_port=lambda settings: settings.dispatch_port,
        package="dispatch_api",
        schema="dispatch",
        application=_dispatch_api,
    ),
)
