"""Every HTTP request counted, timed, traced and given an id, as pure ASGI middleware.

The label is the route's template, never the path, so that ids do not become label values.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import structlog
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

from atmr_common.observability.request_metrics import METHODS, RequestMetrics
from atmr_common.observability.tracing import Attributes, Span, SpanKind, Tracer, traceparent_of
from atmr_common.observability.work_context import TraceContext, WorkContext, begin_work, end_work
from atmr_common.runtime.identifiers import new_request_id

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger(__name__)

MAX_REQUEST_ID_LENGTH = 64
UNMATCHED = "unmatched"
SERVER_ERROR = 500


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
            return accepted_id(value)
    return new_request_id()


def accepted_id(offered: bytes | None) -> str:
    """The client's own id, if it is plain printable ASCII and not too long; else a new one."""
    if offered and len(offered) <= MAX_REQUEST_ID_LENGTH:
        text = offered.decode("latin-1")
        if text.isascii() and text.isprintable():
            return text
    return new_request_id()
