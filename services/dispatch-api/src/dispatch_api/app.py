"""dispatch-api's door: its routers, and what runs beside them while it serves."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry
from starlette.middleware import Middleware

from atmr_common.database.schema_readiness import SchemaReadiness
from atmr_common.observability.logs import configure_logs
from atmr_common.observability.tracing import Tracer
from atmr_common.runtime.crash_points import HTTP_COMMITTED
from atmr_common.runtime.lifecycle import Lifecycle, Part, lifespan_of, task_part
from atmr_common.runtime.service_process import run_service, settings_of_service
from atmr_common.web.login_endpoints import router as login
from atmr_common.web.server import server_part
from atmr_common.web.service_app import Check, Lifespan, ServiceDescription, create_service_app
from dispatch_api.bookings.endpoints import router as bookings
from dispatch_api.bookings.express.build import express_door
from dispatch_api.companies.endpoints import router as companies
from dispatch_api.composition import make_ports
from dispatch_api.dispatch.endpoints import router as dispatch
from dispatch_api.dispatch.worker import work_on_runs
from dispatch_api.drivers.endpoints import router as drivers
from dispatch_api.drivers.shift_endpoints import router as shifts
from dispatch_api.duties.endpoints import router as duties
from dispatch_api.imports.endpoints import router as imports
from dispatch_api.patients.endpoints import router as patients
from dispatch_api.patients.key_versions import PatientKeysReady
from dispatch_api.places.endpoints import router as places
from dispatch_api.plans.endpoints import router as plans
from dispatch_api.ports import Ports
from dispatch_api.recurring import do_recurring_work
from dispatch_api.schema import SCHEMA
from dispatch_api.settings import DispatchSettings
from dispatch_api.usage.endpoints import router as usage
from dispatch_api.vehicles.endpoints import router as vehicles
from dispatch_api.waivers.endpoints import router as waivers

ROUTERS: list[APIRouter] = [
    login,
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
    usage,
]


def create_app(
    settings: DispatchSettings, ports: Ports, lifecycle: Lifecycle | None = None
) -> FastAPI:
    """The ASGI application; `ports` stay the caller's to close.

    Its lifespan runs what works beside it; the process of the service alone does so itself, and
    hands over its `lifecycle`, which refuses readiness when the process begins to stop.
    """
    readiness: dict[str, Check] = {
        "database": ports.database.ready,
        "schema": SchemaReadiness(
            settings.database_url.get_secret_value(), package="dispatch_api", schema=SCHEMA
        ).ready,
        "patient_keys": PatientKeysReady(ports.database, ports.vault.versions),
        "identity": ports.identity.verifier.keys.ready,
    }
    if lifecycle is not None:
        readiness["process"] = lifecycle.readiness

    app = create_service_app(
        describe(
            lifespan_of(lambda: parts_beside(settings, ports), deadline_s=settings.drain_seconds),
            ports.registry,
            max_body_bytes=settings.max_body_bytes,
            readiness=readiness,
            tracer=ports.tracer,
            innermost=express_door(ports),
        )
    )
    app.state.ports = ports
    app.state.database = ports.database
    app.state.answers = ports.answers
    app.state.committed = _committed(ports)
    app.state.limits = ports.limits
    ports.identity.install(app)
    return app


def _committed(ports: Ports) -> Callable[[], None]:
    """What happens after a request's commit and before its answer."""

    def committed() -> None:
        ports.crash(HTTP_COMMITTED)
        ports.relay.nudge()

    return committed


def describe(
    lifespan: Lifespan,
    registry: CollectorRegistry,
    *,
    max_body_bytes: int,
    readiness: dict[str, Check],
    tracer: Tracer | None = None,
    innermost: tuple[Middleware, ...] = (),
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
        tracer=tracer or Tracer(),
        innermost=innermost,
    )


def parts_beside(settings: DispatchSettings, ports: Ports) -> list[Part]:
    """What works beside the door, in the order in which it starts.

    The relay stops last, so that what the others recorded at their end is published too.
    """

    async def flush() -> None:
        while await ports.relay.relay_batch():
            pass

    parts = [
        task_part("relay", ports.relay.run, flush=flush),
        task_part("keys", ports.identity.verifier.keys.run),
    ]
    if ports.express is not None:
        parts.append(task_part("booking writers", ports.express.run, flush=ports.express.drain))
    if settings.worker_in_process:
        parts.append(task_part("worker", lambda: work_on_runs(ports, settings)))
        parts.append(task_part("recurring", lambda: do_recurring_work(ports, settings)))
    return parts


def serve() -> None:
    """`atmr serve dispatch-api`."""
    settings = settings_of_service(DispatchSettings)
    configure_logs(settings.log_level, settings.log_format)

    async def start(lifecycle: Lifecycle) -> None:
        ports = await lifecycle.enter("ports", make_ports(settings))
        for part in parts_beside(settings, ports):
            await lifecycle.start(part)
        app = create_app(settings, ports, lifecycle)
        server = server_part(
            app, host=settings.host, port=settings.port, drain_s=settings.drain_seconds
        )
        await lifecycle.start(server)

    run_service(start, drain_seconds=settings.drain_seconds, drain_delay_s=settings.drain_delay_s)
