"""The doors of rl-inference over a fake plane: an app, hot routes, and a wire without sockets."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import Depends, FastAPI, Request
from prometheus_client import CollectorRegistry
from starlette.middleware import Middleware
from support.inference_plane import FakePlane
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from atmr_common.web.problems import UnauthenticatedError
from atmr_common.web.service_app import ServiceDescription, create_service_app
from rl_inference.doors.exchange import Headers
from rl_inference.doors.fast_protocol import FastProtocol
from rl_inference.doors.hot_route import HotRoutes, hot_paths
from rl_inference.doors.inference_exchange import InferenceExchange
from rl_inference.doors.open_inference import OpenInference, open_inference_router
from rl_inference.doors.rpc_services import policy_router, risk_router
from rl_inference.doors.scoring_exchange import ScoringExchange
from rl_inference.doors.tensor_bodies import TensorBodies

MAX_BODY_BYTES = 200_000
TOKEN = "Bearer good"  # noqa: S105 (opens nothing)
TICKS = 40
"""More than the hot way needs for all that is in one piece."""
DRAWN = re.compile(rb"date: [^\r]*\r\n|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
"""What differs each time: the date, and the id of a request that brings none."""


async def _checked(request: Request) -> None:
    if request.headers.get("authorization") != TOKEN:
        raise UnauthenticatedError("Send a token: `Authorization: Bearer ...`.")


def _admits(headers: Headers) -> bool:
    return headers.get(b"authorization") == TOKEN.encode()


def _now() -> float:
    return asyncio.get_running_loop().time()


class Doors:
    """The app of a plane, and the protocol class that goes past it."""

    def __init__(self, plane: FakePlane, *, name: str = "atmr-rl-inference") -> None:
        self.plane = plane
        self.ready = True
        exchange = InferenceExchange(plane, now=_now, max_body_bytes=MAX_BODY_BYTES)
        self.app = self._app(exchange, name)
        self.hot = HotRoutes(
            plane=plane,
            routes=hot_paths(exchange, ScoringExchange(plane, now=_now)),
            admits=_admits,
            max_body_bytes=MAX_BODY_BYTES,
            metrics=self.app.state.request_metrics,
        )

    def _app(self, exchange: InferenceExchange, name: str) -> FastAPI:
        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            yield

        self.registry = CollectorRegistry()
        callers = [Depends(_checked)]
        door = OpenInference(
            plane=self.plane,
            exchange=exchange,
            server_ready=lambda: self.ready,
            version="1.2.3",
            name=name,
            users=callers,
            operators=callers,
        )
        return create_service_app(
            ServiceDescription(
                name="rl-inference",
                title="Doors",
                summary="For tests.",
                version="0",
                routers=[
                    open_inference_router(door),
                    policy_router(self.plane, callers),
                    risk_router(self.plane, callers),
                ],
                lifespan=lifespan,
                registry=self.registry,
                max_body_bytes=MAX_BODY_BYTES,
                innermost=(Middleware(TensorBodies),),
            )
        )


class Wire(asyncio.Transport):
    """A connection in memory: what the server writes, and what it does to the connection."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = asyncio.Event()
        self.reading = asyncio.Event()
        self.reading.set()
        self.progress = asyncio.Event()
        self.protocol: Any = None

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)}.get(name, default)

    def write(self, data: Any) -> None:
        if not self.closed.is_set():
            self.written += data
            self.progress.set()

    def is_closing(self) -> bool:
        return self.closed.is_set()

    def close(self) -> None:
        if not self.closed.is_set():
            self.closed.set()
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def pause_reading(self) -> None:
        self.reading.clear()

    def resume_reading(self) -> None:
        self.reading.set()


def connect(doors: Doors, *, fast: bool, **options: Any) -> Wire:
    """A connection to the doors, the hot way or the ordinary one; `options` are uvicorn's."""
    kind = FastProtocol.with_routes(doors.hot) if fast else HttpToolsProtocol
    config = uvicorn.Config(
        doors.app,
        http=kind,
        lifespan="off",
        log_config=None,
        access_log=False,
        ws="none",
        **options,
    )
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"today"), (b"server", b"uvicorn")]
    wire = Wire()
    wire.protocol = kind(config=config, server_state=state, app_state={})
    wire.protocol.connection_made(wire)
    return wire


async def settled(wire: Wire) -> None:
    """Until nothing more can happen before more bytes come."""
    protocol = wire.protocol
    await _ticks()
    while protocol.tasks and not _waits_for_body(protocol):
        await asyncio.wait(set(protocol.tasks), return_when=asyncio.FIRST_COMPLETED)
        await _ticks()


async def conversation(
    doors: Doors, pieces: list[bytes], *, fast: bool, cut: bool = False
) -> bytes:
    """What the server answers until it closes; `cut`: the client goes away after the pieces."""
    wire = connect(doors, fast=fast)
    async with asyncio.timeout(20):
        for piece in pieces:
            if wire.is_closing():
                break
            await wire.reading.wait()
            wire.protocol.data_received(piece)
            await settled(wire)
        if cut:
            wire.close()
        await wire.closed.wait()
        await asyncio.sleep(0)
        await asyncio.gather(*wire.protocol.tasks, return_exceptions=True)
    return DRAWN.sub(b"", bytes(wire.written))


def _waits_for_body(protocol: Any) -> bool:
    return len(protocol.tasks) == 1 and protocol.cycle.more_body and not protocol.pipeline


async def _ticks() -> None:
    for _ in range(TICKS):
        await asyncio.sleep(0)
