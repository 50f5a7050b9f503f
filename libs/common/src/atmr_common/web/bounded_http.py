"""uvicorn's HTTP protocol with bounds that it lacks on what one connection may make it hold.

It reads on after each answer, although those to all that it has read are still to come; its parser
takes a head without end; trailers stand among the headers, where a proxy never saw them; and who
never says anything may stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sized

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
    """One connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.silent_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """As uvicorn, but with a flow that knows the pipeline, and an end to saying nothing."""
        super().connection_made(transport)
        self.flow = PipelinedFlow(transport, self.pipeline)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

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

    def on_response_complete(self) -> None:
        """The request in turn has its answer."""
        super().on_response_complete()
        if not self.transport.is_closing():
            self.flow.resume_reading()
