"""A worker with its solver's processes: as a part of another process, or as one of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from atmr_common.observability.logs import configure_logs
from atmr_common.runtime.lifecycle import Lifecycle, task_part
from atmr_common.runtime.service_process import run_service, settings_of_service
from atmr_common.web.server import server_part
from atmr_common.web.service_app import ServiceDescription, create_service_app
from dispatch_api.composition import make_ports
from dispatch_api.dispatch.metrics import DispatchMetrics
from dispatch_api.dispatch.solving.processes import SolverProcesses
from dispatch_api.dispatch.worker_loop import DispatchWorker, WorkerOptions
from dispatch_api.ports import Ports
from dispatch_api.recurring import do_recurring_work
from dispatch_api.settings import DispatchSettings

FEWEST_SLOTS, MOST_SLOTS = 3, 8
"""Of the usual number: one company may not have all, and each takes memory."""


def usual_slots() -> int:
    """One for each core that this process may use, within bounds."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(max(cores, FEWEST_SLOTS), MOST_SLOTS)


async def work_on_runs(ports: Ports, settings: DispatchSettings) -> None:
    """Work on dispatch runs until cancelled; then no process of the solver is left."""
    slots = settings.worker_slots or usual_slots()
    metrics = DispatchMetrics(ports.registry)
    options = WorkerOptions(slots=slots, service_seconds=settings.solver_seconds)
    async with SolverProcesses(slots) as solver:
        solver.when_restarted(metrics.solver_restarts.inc)
        await DispatchWorker(ports, solver, options, metrics).run()


def health_door(ports: Ports, lifecycle: Lifecycle) -> FastAPI:
    """Health and metrics of a worker that is a process of its own; it has no other operation."""

    @asynccontextmanager
    async def nothing_beside(_: FastAPI) -> AsyncIterator[None]:
        yield

    return create_service_app(
        ServiceDescription(
            name="dispatch-worker",
            title="ATMR Dispatch worker",
            summary="Health and metrics of a worker on dispatch runs.",
            version=version("atmr-dispatch-api"),
            routers=[],
            lifespan=nothing_beside,
            registry=ports.registry,
            max_body_bytes=1_000,
            readiness={"database": ports.database.ready, "process": lifecycle.readiness},
        )
    )


def serve() -> None:
    """`atmr serve dispatch-worker`."""
    settings = settings_of_service(DispatchSettings)
    configure_logs(settings.log_level, settings.log_format)

    async def start(lifecycle: Lifecycle) -> None:
        ports = await lifecycle.enter("ports", make_ports(settings))
        work = task_part(
            "worker", lambda: work_on_runs(ports, settings), drain_s=settings.drain_seconds
        )
        await lifecycle.start(work)
        await lifecycle.start(task_part("recurring", lambda: do_recurring_work(ports, settings)))
        door = server_part(
            health_door(ports, lifecycle),
            host=settings.host,
            port=settings.worker_port,
            drain_s=settings.drain_seconds,
        )
        await lifecycle.start(door)

    run_service(start, drain_seconds=settings.drain_seconds, drain_delay_s=settings.drain_delay_s)
