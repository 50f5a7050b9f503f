"""Rate, errors and duration of every HTTP route, as pure ASGI middleware.

The label is the route's template, never the path, so that ids do not become label values.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from structlog.contextvars import bound_contextvars

from atmr_common.runtime.identifiers import new_id

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger(__name__)

MAX_REQUEST_ID_LENGTH = 64


class RequestMetrics:
    """The metrics of one service's HTTP door, in the registry that it was given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("method", "route", "status")
        self.requests = Counter(
            "atmr_http_requests", "HTTP requests answered.", labels, registry=registry
        )
        self.seconds = Histogram(
            "atmr_http_request_seconds", "Time to answer.", ("method", "route"), registry=registry
        )


class ObserveRequests:
    """Counts and times requests, and gives each one an id that logs and answers carry."""

    def __init__(self, app: ASGIApp, *, metrics: RequestMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 500
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message.setdefault("headers", []).append((b"x-request-id", request_id.encode()))
            await send(message)

        with bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                self._record(scope, status, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"]
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(method, route).observe(seconds)
        log.debug("request", method=method, route=route, status=status, seconds=round(seconds, 4))


def _request_id(scope: Scope) -> str:
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
