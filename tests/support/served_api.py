"""The API behind a real HTTP server in its own thread, for tools that bring their own client."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from support.dispatch_client import TODAY, DispatchApi
from support.tenants import Tenant, a_tenant
from support.tokens import TokenSigner

from atmr_common.runtime.clock import FixedClock
from dispatch_api.app import create_app
from dispatch_api.composition import make_ports
from dispatch_api.settings import DispatchSettings

STARTS_WITHIN_S = 60


@dataclass(frozen=True)
class ServedApi:
    """Where it listens, and a company with a row of every kind."""

    url: str
    tenant: Tenant


@contextmanager
def served_api(database_url: str) -> Iterator[ServedApi]:
    """The API on a free port until the block ends, with its worker of bookings beside it."""
    started, stop = threading.Event(), threading.Event()
    served: list[ServedApi] = []

    def run() -> None:
        try:
            asyncio.run(_serve(database_url, served, started, stop))
        finally:
            started.set()

    thread = threading.Thread(target=run, name="served API")
    thread.start()
    try:
        started.wait(STARTS_WITHIN_S)
        if not served:
            raise RuntimeError("The API did not start; its log says why.")
        yield served[0]
    finally:
        stop.set()
        thread.join(STARTS_WITHIN_S)


async def _serve(
    database_url: str, served: list[ServedApi], started: threading.Event, stop: threading.Event
) -> None:
    settings = DispatchSettings(
        _env_file=None,
        DATABASE_URL=database_url,
        patient_key=base64.b64encode(bytes(range(32))).decode(),
        rate_burst=10_000_000,
        rate_limit_per_s=1e6,
        auth_failure_burst=1_000_000,
    )
    signer = TokenSigner()
    async with make_ports(settings, clock=FixedClock(TODAY), jwks=signer.jwks()) as ports:
        app = create_app(settings, ports)
        tenant = await a_tenant(DispatchApi(app, ports, FixedClock(TODAY), signer), settings)
        server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="on", log_config=None))
        serving = asyncio.create_task(server.serve())
        while not server.started and not serving.done():  # noqa: ASYNC110 (uvicorn tells nobody)
            await asyncio.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        served.append(ServedApi(f"http://127.0.0.1:{port}", tenant))
        started.set()
        await asyncio.to_thread(stop.wait)
        server.should_exit = True
        await serving
