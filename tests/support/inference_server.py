"""The doors on a real uvicorn with uvloop in its own thread, for clients that block."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
import uvloop
from support.inference_doors import Doors
from support.inference_plane import FakePlane, adder, identity

from atmr_common.web.server import Server
from rl_inference.doors.fast_protocol import FastProtocol
from rl_inference.models.loaded import LoadedModel

STARTS_WITHIN_S = 30


@dataclass
class ServedDoors:
    """Where the doors listen."""

    address: str


@contextmanager
def served_doors(
    name: str = "atmr-rl-inference", models: tuple[LoadedModel, ...] = ()
) -> Iterator[ServedDoors]:
    """The doors, the hot way open, on a free port until the block ends."""
    served = models or (adder(), identity("BYTES"), identity("FP32"))
    started, stopping = threading.Event(), threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        try:
            uvloop.run(_serve(name, served, listening, started, stopping))
        finally:
            started.set()

    thread = threading.Thread(target=run, name="served doors")
    thread.start()
    try:
        if not started.wait(STARTS_WITHIN_S) or not thread.is_alive():
            raise RuntimeError("The doors did not start; the log says why.")
        host, port = listening.getsockname()
        yield ServedDoors(f"{host}:{port}")
    finally:
        stopping.set()
        thread.join(STARTS_WITHIN_S)
        listening.close()


async def _serve(
    name: str,
    models: tuple[LoadedModel, ...],
    listening: socket.socket,
    started: threading.Event,
    stopping: threading.Event,
) -> None:
    doors = Doors(FakePlane(*models), name=name)
    server = Server(
        uvicorn.Config(
            doors.app,
            http=FastProtocol.with_routes(doors.hot),
            lifespan="off",
            log_config=None,
            access_log=False,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    await server.accepting.wait()
    started.set()
    await asyncio.to_thread(stopping.wait)
    server.should_exit = True
    await serving
