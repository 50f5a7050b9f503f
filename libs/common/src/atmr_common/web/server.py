"""uvicorn as a part of a process: signals are handled once, above it, and it can be awaited."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from atmr_common.runtime.lifecycle import Part
from atmr_common.runtime.service_process import ConfigurationError
from atmr_common.web.accepting import Accepting
from atmr_common.web.bounded_http import BoundedHttpProtocol

BACKLOG = 2048


class Server(uvicorn.Server):
    """uvicorn's server, without its signal handlers, and with an event for its readiness."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """One process has many servers; the signals are handled once, above them."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()

    def cut(self) -> None:
        """Wait for no open request any more: cancel each, so that its client hears of it."""
        self.force_exit = True
        for task in list(self.server_state.tasks):
            task.cancel()


def server_part(
    app: Any, *, host: str, port: int, drain_s: float, http: type[asyncio.Protocol] | None = None
) -> Part:
    """`app` served on `host` and `port`; when it stops, open requests are answered first.

    `http`: a protocol class in the place of the bounded one. The lifespan of `app` is not run: what
    works beside it is a part of its own.
    """
    server = Server(
        uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            backlog=BACKLOG,
            proxy_headers=False,  # who may name the client: ATMR_TRUSTED_PROXIES
        )
    )
    serving: list[asyncio.Task[None]] = []

    async def start() -> None:
        listener = _listen(host, port)
        accepting: Any = Accepting(http or BoundedHttpProtocol, listener)
        server.config.http = accepting
        serving.append(asyncio.create_task(server.serve(sockets=[listener]), name="server"))
        begun = asyncio.create_task(server.accepting.wait())
        await asyncio.wait({begun, serving[0]}, return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        if serving[0].done():
            serving[0].result()

    async def stop() -> None:
        server.should_exit = True
        await serving[0]

    async def ended() -> None:
        await asyncio.shield(serving[0])

    return Part(
        name="server", start=start, stop=stop, drain_s=drain_s, hurry=server.cut, ended=ended
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"Cannot listen on {host}:{port} ({error.strerror}): set ATMR_HOST or ATMR_PORT."
        ) from error
