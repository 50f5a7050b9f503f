"""What is counted about dispatch runs, in a registry that the caller owns."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

from dispatch_api.dispatch.claims import Queue
from dispatch_api.dispatch.schemas import StageRecord

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 600)


class DispatchMetrics:
    """One per registry: prometheus refuses the same name twice."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.runs = Counter(
            "atmr_dispatch_runs",
            "Runs by how they ended at this worker: completed, failed, lost (cancelled or taken"
            " over), given_back, interrupted (the database went away)",
            ["outcome"],
            registry=registry,
        )
        self.stage_seconds = Histogram(
            "atmr_dispatch_stage_seconds",
            "Time of each stage of a run",
            ["stage"],
            buckets=SECONDS,
            registry=registry,
        )
        self.queue_length = Gauge(
            "atmr_dispatch_queue_length", "Runs that wait, of all companies", registry=registry
        )
        self.queue_oldest_seconds = Gauge(
            "atmr_dispatch_queue_oldest_seconds",
            "How long the oldest run has waited; 0 where none waits",
            registry=registry,
        )
        self.running = Gauge(
            "atmr_dispatch_running", "Runs that this worker works on", registry=registry
        )
        self.slots = Gauge(
            "atmr_dispatch_slots", "Runs that this worker can work on at once", registry=registry
        )
        self.solver_restarts = Counter(
            "atmr_dispatch_solver_restarts",
            "Processes of the solver that were replaced: they died, or their work was cancelled",
            registry=registry,
        )
        self.shortened = Counter(
            "atmr_dispatch_shortened_searches",
            "Searches that were shortened because many runs waited",
            registry=registry,
        )

    def show_queue(self, queue: Queue, now: datetime) -> None:
        waited = 0.0 if queue.oldest is None else (now - queue.oldest).total_seconds()
        self.queue_length.set(queue.length)
        self.queue_oldest_seconds.set(max(0.0, waited))

    def stage_ended(self, stage: StageRecord) -> None:
        self.stage_seconds.labels(stage=stage.stage.value).observe(stage.seconds)
        if "shortened_by" in stage.detail:
            self.shortened.inc()
