"""One request on the hot way, from its headers to the bytes of its answer.

Where uvicorn has a task per request, this has callbacks. Whatever cannot be prepared goes on the
ordinary way with its body, so that there is one place that words refusals.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from atmr_common.observability.requests import SERVER_ERROR, accepted_id
from atmr_common.observability.tracing import Attributes, Span, SpanKind, traceparent_of
from rl_inference.dataplane.asking import Answer
from rl_inference.errors import DataPlaneError

if TYPE_CHECKING:
    from rl_inference.dataplane.asking import Ask
    from rl_inference.doors.exchange import Headers, Prepared
    from rl_inference.doors.fast_protocol import FastProtocol
    from rl_inference.doors.hot_route import Found
    from rl_inference.doors.http_answer import HttpAnswer

log = structlog.get_logger(__name__)


class HotCycle(RequestResponseCycle):
    """Stands where uvicorn's protocol expects its cycle of a request and an answer."""

    body: bytes | bytearray  # type: ignore[assignment]
    more_body = True
    disconnected = False
    response_complete = False
    _in_turn = False
    _prepared: Prepared | None = None
    _answer: HttpAnswer | None = None
    _asked: Attributes | None = None

    def __init__(
        self,
        protocol: FastProtocol,
        found: Found,
        path: bytes,
        headers: Headers,
        body: bytes | bytearray,
        *,
        keep_alive: bool,
    ) -> None:
        self._protocol = protocol
        self.found = found
        self.path = path
        self.headers = headers
        self.body = body
        self.keep_alive = keep_alive
        self.message_event = protocol.unheard
        self._request_id = accepted_id(headers.get(b"x-request-id"))
        self._started = time.perf_counter()
        self._span = self._begun_span() if protocol.hot.tracer.exporting else None

    def start(self) -> None:
        """Every request before this one on the connection has its answer."""
        self._in_turn = True
        if not self.more_body:
            self._ask()

    def body_complete(self) -> None:
        """The body is there."""
        self.more_body = False
        if self._in_turn:
            self._ask()

    def abandon(self) -> None:
        """The client is gone: nothing needs to be computed any more."""
        self.disconnected = True
        if self._prepared is not None:
            self._prepared.ask.cancelled = True

    def _ask(self) -> None:
        try:
            route, target = self.found
            prepared = route.exchange.prepare(target, self.headers, self.body)
        except Exception:  # noqa: BLE001 (the ordinary way meets the same error, and words it)
            self._protocol.take_ordinary_way(self)
            return
        self._prepared = prepared
        prepared.ask.done = self._done
        try:
            self._protocol.hot.plane.submit(prepared.ask)
        except DataPlaneError as refusal:
            self._done(refusal)

    def _done(self, outcome: Answer | DataPlaneError) -> None:
        prepared, self._prepared = self._prepared, None  # the ask holds on to this, so let go of it
        if self.disconnected or prepared is None:
            return
        self._answer = prepared.told(outcome)
        if self._span is not None and self._span.context.sampled:
            self._asked = asked(prepared.ask, outcome, self._protocol.loop.time())
        if self._protocol.flow.write_paused:
            self._protocol.keep(asyncio.ensure_future(self._send_later()))
        else:
            self._protocol.hot.outbox.add(self)

    async def _send_later(self) -> None:
        """The client reads slowly: wait until what was written before is on its way."""
        await self._protocol.flow.drain()
        self._protocol.hot.outbox.add(self)

    def deliver(self) -> None:
        """Write the answer, unless nobody is there any more."""
        transport = self._protocol.transport
        if self._answer is not None and not (self.disconnected or transport.is_closing()):
            transport.write(self._wire(self._answer))

    def delivered(self) -> None:
        """Count the answer, and let the next request have its turn."""
        if self._answer is None or self.disconnected:
            return
        self.response_complete = True
        self.body = b""  # an idle connection holds its last cycle
        self._observe(self._answer.status)
        if not self.keep_alive:
            self._protocol.transport.close()
        self._protocol.on_response_complete()

    def _wire(self, answer: HttpAnswer) -> bytes:
        parts = [STATUS_LINE[answer.status]]
        for name, value in self._protocol.server_state.default_headers:
            parts += (name, b": ", value, b"\r\n")
        for name, value in answer.headers:
            parts += (name, b": ", value, b"\r\n")
        parts += (b"x-request-id: ", self._request_id.encode(), b"\r\n")
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        parts += (b"\r\n", answer.body)
        return b"".join(parts)

    def _begun_span(self) -> Span:
        tracer = self._protocol.hot.tracer
        parent = traceparent_of({"headers": self.headers.items()})
        return tracer.begin(f"POST {self.found[0].template}", kind=SpanKind.SERVER, parent=parent)

    def _observe(self, status: int) -> None:
        hot, route = self._protocol.hot, self.found[0].template
        hot.metrics.record("POST", route, status, time.perf_counter() - self._started)
        if status == SERVER_ERROR:
            log.error("request failed", route=route, request_id=self._request_id)
        if self._span is not None and self._span.context.sampled:
            self._span.attributes = (self._asked or {}) | {
                "http.request.method": "POST",
                "http.route": route,
                "http.response.status_code": status,
                "atmr.request_id": self._request_id,
            }
            self._span.error = str(status) if status >= SERVER_ERROR else None
            hot.tracer.end(self._span)


def asked(ask: Ask, outcome: Answer | DataPlaneError, now: float) -> Attributes:
    """What was asked of which model, with how many others, and how long it took, for a span."""
    attributes: Attributes = {
        "atmr.model.name": ask.model.name,
        "atmr.model.version": ask.model.version,
        "atmr.model.provider": ask.model.session.provider,
        "atmr.inference.rows": ask.rows,
    }
    if ask.asked_at:  # else the data plane never took it
        attributes["atmr.inference.seconds"] = now - ask.asked_at
    if isinstance(outcome, Answer) and outcome.batch is not None:
        attributes["atmr.batch.rows"] = outcome.batch.rows
        attributes["atmr.batch.compute_seconds"] = outcome.batch.compute_s
    return attributes
