"""A bare exchange over the loopback: as many bytes in and out, and nothing between them."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvloop


class Exchange(asyncio.Protocol):
    """Answers each `length` bytes with the same bytes."""

    def __init__(self, length: int, answer: bytes) -> None:
        self._length = length
        self._answer = answer
        self._missing = length

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._missing -= len(data)
        if self._missing <= 0:
            self._missing = self._length
            self._transport.write(self._answer)


async def main() -> None:
    """Serve; the arguments are the bytes of a request and of an answer's body."""
    request, answer = int(sys.argv[1]), int(sys.argv[2])
    content = f"HTTP/1.1 200 OK\r\ncontent-length: {answer}\r\n\r\n".encode() + b"0" * answer
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Exchange(request, content), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
