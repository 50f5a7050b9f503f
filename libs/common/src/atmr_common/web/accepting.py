"""Takes the connections that wait for a busy loop, several in each of its turns.

libuv accepts one connection a turn (its pull request 3696). Where a turn takes milliseconds,
clients that come together would wait for one each, and no deadline counts that time.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

TAKEN_PER_TURN = 16
"""After the one that libuv accepted; each costs about 0.2 ms, for which requests wait."""


class Accepting:
    """Stands for a protocol class at uvicorn: makes the protocol, and looks for who came along."""

    def __init__(self, protocol: Callable[..., asyncio.Protocol], listener: socket.socket) -> None:
        self._protocol = protocol
        self._listener = listener
        self._connecting: set[asyncio.Task[None]] = set()

    def __call__(self, **named: Any) -> asyncio.Protocol:
        """The protocol of one connection."""
        self._take(partial(self._protocol, **named))
        return self._protocol(**named)

    def _take(self, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Accept until none waits; whatever is wrong, libuv meets it too and knows what to do."""
        for _ in range(TAKEN_PER_TURN):
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            task = asyncio.create_task(_connect(protocol, connection))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)


async def _connect(protocol: Callable[[], asyncio.Protocol], connection: socket.socket) -> None:
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().connect_accepted_socket(protocol, connection)
    except OSError:  # it is gone already
        connection.close()
