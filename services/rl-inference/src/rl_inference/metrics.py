"""Prometheus metrics of the models: our names, and Triton's, so that its dashboards work.

They are read from the data plane's counts when they are scraped; the hot path pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from rl_inference.dataplane.plane import DataPlane
from rl_inference.dataplane.statistics import Counts
from rl_inference.errors import DataPlaneError

LABELS = ["model", "version"]
NANOSECONDS = 1e-9
MICROSECONDS = 1e-3
"""Nanoseconds to microseconds, Triton's unit."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One figure of every version: our name and scale, Triton's name and scale."""

    name: str
    scale: float
    triton: str
    triton_scale: float
    meaning: str
    of: Callable[[Counts], int]


COUNTED = (
    Counted("rows", 1, "nv_inference_count", 1, "Rows computed", lambda c: c.inference_count),
    Counted("batches", 1, "nv_inference_exec_count", 1, "Batches", lambda c: c.execution_count),
    Counted("answers", 1, "nv_inference_request_success", 1, "Answers", lambda c: c.success_count),
    Counted("failures", 1, "nv_inference_request_failure", 1, "Failures", lambda c: c.fail_count),
    Counted(
        "seconds",
        NANOSECONDS,
        "nv_inference_request_duration_us",
        MICROSECONDS,
        "Time from request to answer",
        lambda c: c.success_ns,
    ),
    Counted(
        "queue_seconds",
        NANOSECONDS,
        "nv_inference_queue_duration_us",
        MICROSECONDS,
        "Time in the queue",
        lambda c: c.queue_ns,
    ),
    Counted(
        "compute_seconds",
        NANOSECONDS,
        "nv_inference_compute_infer_duration_us",
        MICROSECONDS,
        "Time of the model's session",
        lambda c: c.compute_ns,
    ),
)
OURS_ALONE: dict[str, tuple[str, Callable[[Counts], int]]] = {
    "expired": ("Requests whose deadline passed in the queue", lambda c: c.expired_count),
    "rejected": ("Requests that found the queue full", lambda c: c.rejected_count),
    "cancelled": ("Requests that nobody waited for any more", lambda c: c.cancelled_count),
}


class ModelMetrics(Collector):
    """What every version has done, and which provider computes it."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    def collect(self) -> Iterable[Metric]:
        """All families; called by the registry."""
        counts = list(self._plane.statistics.snapshot())
        for each in COUNTED:
            ours = CounterMetricFamily(
                f"atmr_inference_{each.name}", f"{each.meaning}.", labels=LABELS
            )
            yield _filled(ours, counts, each.of, each.scale)
            # Triton's counters are named without `_total`, so they are told as gauges.
            theirs = GaugeMetricFamily(
                each.triton, f"{each.meaning}, as Triton names it.", labels=LABELS
            )
            yield _filled(theirs, counts, each.of, each.triton_scale)
        for name, (meaning, of) in OURS_ALONE.items():
            ours = CounterMetricFamily(f"atmr_inference_{name}", f"{meaning}.", labels=LABELS)
            yield _filled(ours, counts, of, 1)
        yield self._live()

    def _live(self) -> Metric:
        labels = [*LABELS, "provider", "degraded"]
        family = GaugeMetricFamily(
            "atmr_inference_model_live", "Versions that answer.", labels=labels
        )
        for name, version, provider, degraded in live_versions(self._plane):
            family.add_metric([name, str(version), provider, degraded], 1)
        return family


def live_versions(plane: DataPlane) -> Iterator[tuple[str, int, str, str]]:
    """Name, version, what computes, and why it is degraded, of every version that answers."""
    for entry in plane.registry.index():
        if entry.version is None or entry.state != "READY":
            continue
        try:
            model = plane.model(entry.name, entry.version)
        except DataPlaneError:  # gone since
            continue
        yield model.name, model.version, model.session.provider, model.degraded or ""


def _filled(
    family: CounterMetricFamily | GaugeMetricFamily,
    counts: list[tuple[str, int, Counts]],
    of: Callable[[Counts], int],
    scale: float,
) -> Metric:
    for name, version, each in counts:
        family.add_metric([name, str(version)], of(each) * scale)
    return family
