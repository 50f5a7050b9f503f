"""uvicorn's HTTP protocol with bounds that it lacks on what one connection may make it hold.

It reads on after each answer, although those to all that it has read are still to come; its parser
takes a head without end; trailers stand among the headers, where a proxy never saw them; and who
never says anything, or says it very slowly, may stay.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sized

WHOLE_REQUEST_S = 60.0
"""From the connection's last answer, or its beginning, to the end of a request that has begun."""
LOOKS_EACH_S = 5.0
MOST_SILENT_BYTES = 65_536
"""May come without completing a head or bringing a piece of a body."""
HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class PipelinedFlow(FlowControl):
    """uvicorn's flow control, which reads on when nothing is in `waiting` for its turn."""

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        """Read on, if every request that was read is in turn."""
        if not self._waiting:
            super().resume_reading()


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection; its one timer runs until it is closed, and looks at what it is doing."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.silent_bytes = 0
        self._quiet_since = self.loop.time()

    def connection_made(self, transport: Any) -> None:
        """As uvicorn, but with a flow that knows the pipeline, and an end to saying nothing."""
        super().connection_made(transport)
        self.flow = PipelinedFlow(transport, self.pipeline)
        self._look_within(self.timeout_keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        """The timer goes with the connection."""
        super().connection_lost(exc)
        super()._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Parse, and refuse a head, a trailer or the frame of a chunk without an end."""
        self.silent_bytes += len(data)
        super().data_received(data)
        if self.silent_bytes > MOST_SILENT_BYTES and not self.transport.is_closing():
            self.transport.write(HEAD_TOO_LARGE)
            self.transport.close()

    def on_headers_complete(self) -> None:
        """The application gets the headers as they are now: the parser adds trailers to its own."""
        self.silent_bytes = 0
        super().on_headers_complete()
        self.scope["headers"] = self.headers.copy()

    def on_body(self, body: bytes) -> None:
        """A piece of a body came."""
        self.silent_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole, also one that was answered before; uvicorn does not note that."""
        super().on_message_complete()
        if self.cycle is not None:
            self.cycle.more_body = False

    def on_response_complete(self) -> None:
        """The request in turn has its answer: the next one's turn, and reading goes on."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self._quiet_since = self.loop.time()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        self.flow.resume_reading()

    def timeout_keep_alive_handler(self) -> None:
        """Close, if the client may be waited for no longer."""
        left_s = self._quiet_since + self._patience_s() - self.loop.time()
        if left_s <= 0:
            super().timeout_keep_alive_handler()
        else:
            self._look_within(left_s)

    def _patience_s(self) -> float:
        """How long a client may be silent, be slow with its request, or wait for the answer."""
        in_body = self.cycle is not None and self.cycle.more_body
        asked = self.cycle is not None and not self.cycle.response_complete
        if asked and (self.pipeline or not in_body):
            return math.inf
        return WHOLE_REQUEST_S if in_body or self.silent_bytes else self.timeout_keep_alive

    def _look_within(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            min(seconds, LOOKS_EACH_S), self.timeout_keep_alive_handler
        )

    def _unset_keepalive_if_required(self) -> None:
        """Uvicorn sets and cancels a timer for every request; here it costs reading a clock."""
