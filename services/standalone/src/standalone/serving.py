"""Runs one ASGI application on one socket within the life of an `async with` block."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from atmr_common.web.server import Server
from standalone.errors import StartError
from standalone.stopping import StopRequest

__all__ = ["serving"]


@asynccontextmanager
async def serving(
    app: FastAPI, listener: socket.socket, stop: StopRequest, *, drain_s: int
) -> AsyncIterator[asyncio.Task[None]]:
    """Yields the server's task once it accepts requests; drains it at the end.

    The lifespan runs here and not in uvicorn, which would end the process when it fails.
    """
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # who may name the client: ATMR_TRUSTED_PROXIES
        timeout_graceful_shutdown=drain_s,
    )
    async with app.router.lifespan_context(app):
        server = Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]), name="server")
        stop.when_hurried(lambda: setattr(server, "force_exit", True))
        try:
            accepting = asyncio.create_task(server.accepting.wait())
            await asyncio.wait({accepting, task}, return_when=asyncio.FIRST_COMPLETED)
            accepting.cancel()
            if task.done():
                task.result()
                raise StartError(f"The server for {app.title} ended during its start.")
            yield task
        finally:
            server.should_exit = True
            await asyncio.wait({task})
