"""One server of the booking benchmark: `booking_server.py KIND WAY URL FOLDER`; prints its port."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import bare_bookings
import full_bookings
import uvicorn
import uvloop

from atmr_common.observability.logs import configure_logs
from atmr_common.runtime.service_process import settle_memory


async def serve(kind: str, way: str, url: str, folder: Path) -> None:
    async with AsyncExitStack() as stack:
        if kind == "bare":
            app = bare_bookings.WAYS[way](url)
        else:
            app = await stack.enter_async_context(full_bookings.WAYS[way](url, folder))
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        lifespan = "on" if kind == "bare" and way != "usual" else "off"
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan=lifespan)
        settle_memory()
        print(listener.getsockname()[1], flush=True)  # noqa: T201 (the benchmark reads it)
        await uvicorn.Server(config).serve(sockets=[listener])


def main() -> None:
    configure_logs("WARNING", "text")
    kind, way, url, folder = sys.argv[1:]
    os.sched_setaffinity(0, {0})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(kind, way, url, Path(folder)))


if __name__ == "__main__":
    main()
