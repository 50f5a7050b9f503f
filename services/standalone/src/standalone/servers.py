"""The table of servers that standalone runs: one row each, in the order in which they start.

A new server is a new row, and the function that builds its application from what all share.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI
from pydantic import HttpUrl, SecretStr

from atmr_common.bus.port import Bus
from atmr_common.runtime.clock import Clock
from atmr_common.web.discovery import WELL_KNOWN
from atmr_common.web.tokens import DEVELOPMENT_ISSUER
from dispatch_api.app import create_app
from dispatch_api.composition import make_ports
from dispatch_api.settings import DispatchSettings
from standalone.issuer.app import IssuerDoor, create_issuer_app
from standalone.issuer.authorization import CLIENT_ID
from standalone.issuer.codes import Codes
from standalone.issuer.companies import companies_by_id
from standalone.issuer.signing import ALGORITHM, DevelopmentIssuer
from standalone.kept_key import kept_key_file
from standalone.patient_key import patient_key_file
from standalone.settings import StandaloneSettings, read_settings

__all__ = ["AUDIENCE", "SERVERS", "TOKEN_LIFETIME", "ServerKind", "Shared"]

AUDIENCE = "atmr"
WORKER_SLOTS = 2
"""One company's search, and room for another's: a laptop's memory is not ours alone."""
TOKEN_LIFETIME = timedelta(hours=12)


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What the servers of one process have in common."""

    database_url: str
    bus: Bus
    clock: Clock
    issuer: DevelopmentIssuer
    data: Path
    urls: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ServerKind:
    """One server: its port is the base plus `port_offset` unless `own_port` is set."""

    name: str
    port_offset: int
    port_setting: str
    own_port: Callable[[StandaloneSettings], int | None]
    package: str | None  # whose migrations, if it has any
    schema: str  # for which schema
    application: Callable[[Shared], AbstractAsyncContextManager[FastAPI]]
    own_host: Callable[[StandaloneSettings], str] = lambda settings: settings.host

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
        "worker_in_process": True,
    } | _identity(shared, shared.urls["dispatch-api"])
    if settings.patient_key_file is None and settings.patient_key is None:
        update["patient_key_file"] = patient_key_file(shared.data)
    if settings.worker_slots is None:
        update["worker_slots"] = WORKER_SLOTS
    settings = settings.model_copy(update=update)
    jwks = shared.issuer.jwks()
    async with make_ports(settings, bus=shared.bus, clock=shared.clock, jwks=jwks) as ports:
        yield create_app(settings, ports)


@asynccontextmanager
async def _issuer(shared: Shared) -> AsyncIterator[FastAPI]:
    door = IssuerDoor(
        issuer=shared.issuer,
        codes=Codes(shared.clock),
        url=shared.urls["issuer"],
        audience=AUDIENCE,
        lifetime=TOKEN_LIFETIME,
        redirect_uris=frozenset(f"{url}/auth/callback" for url in shared.urls.values()),
        companies=lambda: companies_by_id(shared.data),
    )
    yield create_issuer_app(door)


def _identity(shared: Shared, url: str) -> dict[str, object]:
    """Settings of a server at `url` whose callers the development issuer names; all are fixed."""
    return {
        "auth_issuer": DEVELOPMENT_ISSUER,
        "auth_audience": AUDIENCE,
        "auth_algorithms": ALGORITHM,
        "auth_discovery_url": HttpUrl(shared.urls["issuer"] + WELL_KNOWN),
        "auth_client_id": CLIENT_ID,
        "auth_client_secret_file": None,
        "auth_login_scope": "openid",
        "auth_session_key_file": kept_key_file(shared.data, "session.key"),
        "public_url": HttpUrl(url),
    }


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
    ServerKind(
        name="issuer",
        port_offset=9,
        port_setting="ATMR_ISSUER_PORT",
        own_port=lambda settings: settings.issuer_port,
        own_host=lambda settings: settings.issuer_host,
        package=None,
        schema="",
        application=_issuer,
    ),
)
