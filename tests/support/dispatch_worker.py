"""A dispatch worker for tests: it searches in a thread, and its slots and times are the test's."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry

from dispatch_api.dispatch.metrics import DispatchMetrics
from dispatch_api.dispatch.solving.in_thread import SolverThread
from dispatch_api.dispatch.solving.port import Solver
from dispatch_api.dispatch.worker_loop import DispatchWorker, WorkerOptions
from dispatch_api.ports import Ports


def worker_of(
    ports: Ports,
    *,
    solver: Solver | None = None,
    kind: type[DispatchWorker] = DispatchWorker,
    metrics: DispatchMetrics | None = None,
    **options: Any,
) -> DispatchWorker:
    """A worker that shares nothing with another but the database."""
    chosen = {"slots": 3, "service_seconds": 0.1, "watch_s": 0.05, **options}
    return kind(
        ports,
        solver or SolverThread(),
        WorkerOptions(**chosen),
        metrics or DispatchMetrics(CollectorRegistry()),
    )
