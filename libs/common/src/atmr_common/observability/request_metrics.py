"""Rate, errors and duration of every HTTP route, counted in plain numbers.

An answer pays for three additions; what a scrape needs is made when it comes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER_METHOD = "other"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds of the buckets: from an answer out of memory to one that nobody waits for any more."""
BOUNDS = [*map(floatToGoString, SECONDS), "+Inf"]


@dataclass(slots=True)
class Answers:
    """Of one method and route; `below` counts by bucket, each answer once."""

    statuses: dict[int, int] = field(default_factory=dict)
    below: list[int] = field(default_factory=lambda: [0] * len(BOUNDS))
    seconds: float = 0.0


class RequestMetrics(Collector):
    """The metrics of one service's HTTP door, which the registry that it was given reads.

    Only the loop's thread may record; any thread may read.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answers: dict[tuple[str, str], Answers] = {}
        registry.register(self)

    def record(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer; `route` is a template, so that the labels stay few."""
        answers = self._answers.get((method, route))
        if answers is None:
            answers = self._first(method, route)
        answers.statuses[status] = answers.statuses.get(status, 0) + 1
        answers.below[bisect_left(SECONDS, seconds)] += 1
        answers.seconds += seconds

    def collect(self) -> Iterable[Metric]:
        """Both families; called by the registry."""
        requests = CounterMetricFamily(
            "atmr_http_requests", "HTTP requests answered.", labels=("method", "route", "status")
        )
        seconds = HistogramMetricFamily(
            "atmr_http_request_seconds", "Time to answer.", labels=("method", "route")
        )
        for (method, route), answers in list(self._answers.items()):
            for status, count in list(answers.statuses.items()):
                requests.add_metric((method, route, str(status)), count)
            buckets = [*zip(BOUNDS, accumulate(answers.below), strict=True)]
            seconds.add_metric((method, route), buckets, answers.seconds)
        yield requests
        yield seconds

    def _first(self, method: str, route: str) -> Answers:
        """Clients choose the method, so one that is none of HTTP's gets no label of its own."""
        known = method if method in METHODS else OTHER_METHOD
        return self._answers.setdefault((known, route), Answers())
