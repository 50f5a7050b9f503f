"""dispatch-api's door: its routers, and what runs beside them while it serves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

import uvicorn
from fastapi import APIRouter, FastAPI

from atmr_common.observability.logs import configure_logs
from atmr_common.web.service_app import ServiceDescription, create_service_app
from dispatch_api.companies.endpoints import router as companies
from dispatch_api.composition import make_ports
from dispatch_api.ports import Ports
from dispatch_api.settings import DispatchSettings

ROUTERS: list[APIRouter] = [
    companies,
]


def create_app(settings: DispatchSettings, ports: Ports) -> FastAPI:
    """The ASGI application; `ports` stay the caller's to close."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        relay = asyncio.create_task(ports.relay.run(), name="outbox-relay")
        try:
            yield
        finally:
            relay.cancel()
            with suppress(asyncio.CancelledError):
                await relay

    app = create_service_app(
        ServiceDescription(
            name="dispatch-api",
            title="ATMR Dispatch API",
            summary="Bookings, patients, fleet and dispatch of patient transports.",
            version=version("atmr-dispatch-api"),
            routers=ROUTERS,
            lifespan=lifespan,
            registry=ports.registry,
            max_body_bytes=settings.max_body_bytes,
            readiness={"database": ports.database.ready},
        )
    )
    app.state.ports = ports
    app.state.database = ports.database
    app.state.verifier = ports.verifier
    return app


def serve() -> None:
    """`atmr serve dispatch-api`."""
    settings = DispatchSettings()
    configure_logs(settings.log_level, settings.log_format)
    asyncio.run(_serve(settings))


async def _serve(settings: DispatchSettings) -> None:
    async with make_ports(settings) as ports:
        config = uvicorn.Config(
            create_app(settings, ports),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
        )
        await uvicorn.Server(config).serve()
