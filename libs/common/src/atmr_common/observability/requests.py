"""Rate, errors and duration of every HTTP route, its span and its id, as pure ASGI middleware.

The label is the route's template, never the path, so that ids do not become label values.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

from atmr_common.observability.tracing import Attributes, Span, SpanKind, Tracer, traceparent_of
from atmr_common.observability.work_context import TraceContext, WorkContext, begin_work, end_work
from atmr_common.runtime.identifiers import new_id

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger(__name__)

MAX_REQUEST_ID_LENGTH = 64
UNMATCHED = "unmatched"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds of the buckets: from an answer out of memory to one that nobody waits for any more."""
SERVER_ERROR = 500


class RequestMetrics:
    """The metrics of one service's HTTP door, in the registry that it was given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("method", "route", "status")
        self.requests = Counter(
            "atmr_http_requests", "HTTP requests answered.", labels, registry=registry
        )
        self.seconds = Histogram(
            "atmr_http_request_seconds",
            "Time to answer.",
            ("method", "route"),
            buckets=SECONDS,
            registry=registry,
        )
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def record(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer; `route` is a template, so that the children stay few."""
        children = self._children.get((method, route, status))
        if children is None:
            children = self._make_children(method, route, status)
        children[0].inc()
        children[1].observe(seconds)

    def _make_children(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        """Clients choose the method, so one that is none of HTTP's gets no label of its own."""
        known = method if method in METHODS else "other"
        children = (
            self.requests.labels(known, route, str(status)),
            self.seconds.labels(known, route),
        )
        if known == method:
            self._children[method, route, status] = children
        return children


def register_process_metrics(registry: CollectorRegistry, *, service: str, version: str) -> None:
    """Memory, CPU, open files and garbage collection of the process, and what it is built from."""
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    build = Gauge("atmr_build_info", "Always 1.", ("service", "version"), registry=registry)
    build.labels(service, version).set(1)


class ObserveRequests:
    """Counts, times and traces requests, and gives each one an id that logs and answers carry."""

    def __init__(self, app: ASGIApp, *, metrics: RequestMetrics, tracer: Tracer) -> None:
        self._app = app
        self._metrics = metrics
        self._tracer = tracer
        self._stdlib_log = logging.getLogger(__name__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = request_id_of(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        parent = traceparent_of(scope)
        span = self._begin(parent) if self._tracer.exporting else None
        trace = span.context if span is not None else self._tracer.continue_trace(parent)
        status = SERVER_ERROR
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message.setdefault("headers", [])
                headers.append((b"x-request-id", request_id.encode()))
                headers.extend(scope["state"].get("answer_headers", ()))
            await send(message)

        context = WorkContext(trace, request_id)
        token = begin_work(context)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            self._record(scope, context, span, status, time.perf_counter() - started)
            end_work(token)

    def _begin(self, parent: TraceContext | None) -> Span:
        return self._tracer.begin("request", kind=SpanKind.SERVER, parent=parent)

    def _record(
        self, scope: Scope, context: WorkContext, span: Span | None, status: int, seconds: float
    ) -> None:
        route = getattr(scope.get("route"), "path", UNMATCHED)
        method = scope["method"]
        self._metrics.record(method, route, status, seconds)
        if span is not None and span.context.sampled:
            span.name = f"{method} {route}" if method in METHODS else route
            span.attributes = _attributes(method, route, status, context)
            span.error = str(status) if status >= SERVER_ERROR else None
            self._tracer.end(span)
        if self._stdlib_log.isEnabledFor(logging.DEBUG):
            log.debug("request", method=method, route=route, status=status, seconds=seconds)


def _attributes(method: str, route: str, status: int, context: WorkContext) -> Attributes:
    attributes: Attributes = {
        "http.request.method": method if method in METHODS else "_OTHER",
        "http.route": route,
        "http.response.status_code": status,
        "atmr.request_id": context.request_id or "",
    }
    if context.company_id is not None:
        attributes["atmr.company_id"] = str(context.company_id)
    return attributes


def request_id_of(scope: Scope) -> str:
    """The id that the client offers in `X-Request-Id`, if it is a plain one; else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            offered = str(value.decode("latin-1"))
            if (
                offered.isascii()
                and offered.isprintable()
                and len(offered) <= MAX_REQUEST_ID_LENGTH
            ):
                return offered
    return str(new_id())
