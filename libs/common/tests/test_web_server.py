"""How a server takes new connections while its loop is busy."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack
from typing import Any

import uvloop

from atmr_common.web.accepting import TAKEN_PER_TURN
from atmr_common.web.server import server_part

CLIENTS = 20 * TAKEN_PER_TURN
TURNS_OF_A_REQUEST = 4
"""More than a request needs from its connection to its answer."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Turns:
    """Counts the turns of the loop, and keeps it from ever waiting."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.count = 0
        self._loop = loop
        self._next = loop.call_soon(self._turn)

    def _turn(self) -> None:
        self.count += 1
        self._next = self._loop.call_soon(self._turn)

    def stop(self) -> None:
        self._next.cancel()


async def turns_until_all_are_heard() -> int:
    """Clients that connect at once to a loop that has something to do in every turn."""
    heard, all_heard = 0, asyncio.Event()

    async def app(_: Any, __: Any, send: Any) -> None:
        nonlocal heard
        heard += 1
        if heard == CLIENTS:
            all_heard.set()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    port = free_port()
    server = server_part(app, host="127.0.0.1", port=port, drain_s=1)
    await server.start()
    try:
        with ExitStack() as stack:
            for _ in range(CLIENTS):  # the loop stands still meanwhile: the kernel holds them
                client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            turns = Turns(asyncio.get_running_loop())
            async with asyncio.timeout(10):
                await all_heard.wait()
            turns.stop()
            return turns.count
    finally:
        await server.stop()


def test_clients_that_connect_to_a_busy_loop_do_not_wait_for_a_turn_each() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        turns = runner.run(turns_until_all_are_heard())
    assert turns <= CLIENTS / TAKEN_PER_TURN + TURNS_OF_A_REQUEST


def test_a_stopped_server_no_longer_listens() -> None:
    async def start_and_stop() -> int:
        port = free_port()
        server = server_part(None, host="127.0.0.1", port=port, drain_s=1)
        await server.start()
        await server.stop()
        return port

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        port = runner.run(start_and_stop())
        with socket.socket() as again:
            again.bind(("127.0.0.1", port))
            again.listen()
