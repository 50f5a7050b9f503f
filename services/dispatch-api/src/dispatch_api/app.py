"""dispatch-api's door: its routers, and what runs beside them while it serves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry

from atmr_common.observability.logs import configure_logs
from atmr_common.runtime.service_process import run_service, settings_of_service
from atmr_common.web.server import serve_until_cancelled
from atmr_common.web.service_app import Check, Lifespan, ServiceDescription, create_service_app
from dispatch_api.bookings.endpoints import router as bookings
from dispatch_api.companies.endpoints import router as companies
from dispatch_api.composition import make_ports
from dispatch_api.dispatch.endpoints import router as dispatch
from dispatch_api.dispatch.worker import DispatchWorker
from dispatch_api.drivers.endpoints import router as drivers
from dispatch_api.drivers.shift_endpoints import router as shifts
from dispatch_api.duties.endpoints import router as duties
from dispatch_api.imports.endpoints import router as imports
from dispatch_api.patients.endpoints import router as patients
from dispatch_api.places.endpoints import router as places
from dispatch_api.plans.endpoints import router as plans
from dispatch_api.ports import Ports
from dispatch_api.settings import DispatchSettings
from dispatch_api.vehicles.endpoints import router as vehicles
from dispatch_api.waivers.endpoints import router as waivers

ROUTERS: list[APIRouter] = [
    companies,
    patients,
    places,
    vehicles,
    drivers,
    shifts,
    duties,
    bookings,
    imports,
    dispatch,
    plans,
    waivers,
]


def create_app(settings: DispatchSettings, ports: Ports) -> FastAPI:
    """The ASGI application; `ports` stay the caller's to close."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        beside = [ports.relay.run()]
        if settings.worker_in_process:
            beside.append(DispatchWorker(ports, solver_seconds=settings.solver_seconds).run())
        async with _running(beside):
            yield

    app = create_service_app(
        describe(
            lifespan,
            ports.registry,
            max_body_bytes=settings.max_body_bytes,
            readiness={"database": ports.database.ready},
        )
    )
    app.state.ports = ports
    app.state.database = ports.database
    app.state.committed = ports.relay.nudge
    app.state.verifier = ports.verifier
    return app


def describe(
    lifespan: Lifespan,
    registry: CollectorRegistry,
    *,
    max_body_bytes: int,
    readiness: dict[str, Check],
) -> ServiceDescription:
    """What distinguishes this service's door from another's."""
    return ServiceDescription(
        name="dispatch-api",
        title="ATMR Dispatch API",
        summary="Bookings, patients, fleet and dispatch of patient transports.",
        version=version("atmr-dispatch-api"),
        routers=ROUTERS,
        lifespan=lifespan,
        registry=registry,
        max_body_bytes=max_body_bytes,
        readiness=readiness,
    )


@asynccontextmanager
async def _running(work: list[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run `work` beside the block, and cancel it in reverse order at its end."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in reversed(tasks):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def serve() -> None:
    """`atmr serve dispatch-api`."""
    settings = settings_of_service(DispatchSettings)
    configure_logs(settings.log_level, settings.log_format)
    run_service(_serve(settings))


async def _serve(settings: DispatchSettings) -> None:
    async with make_ports(settings) as ports:
        app = create_app(settings, ports)
        await serve_until_cancelled(app, host=settings.host, port=settings.port)
