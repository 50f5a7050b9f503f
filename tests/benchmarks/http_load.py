"""A load generator of raw sockets: keeps every connection busy and costs little itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

LENGTH = b"content-length:"
CREATED = b"HTTP/1.1 201"


@dataclass
class Load:
    """What was measured of one round."""

    seconds: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)
    refused: int = 0
    first_refusal: bytes = b""

    @property
    def done(self) -> int:
        return len(self.latencies_ms)

    @property
    def per_second(self) -> float:
        return self.done / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class _Connection(asyncio.Protocol):
    """Sends one request after the other, each when the answer before has come."""

    def __init__(self, load: Load, request: Callable[[], bytes], until: float) -> None:
        self._load = load
        self._request = request
        self._until = until
        self._buffer = b""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator or len(body) < _length(head):
            return
        self._buffer = b""
        now = time.perf_counter()
        if head.startswith(CREATED):
            self._load.latencies_ms.append((now - self._sent) * 1000)
        else:
            self._load.refused += 1
            self._load.first_refusal = self._load.first_refusal or head[:40] + b" " + body[:400]
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
        if exc is not None:
            self._load.refused += 1

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request())


def _length(head: bytes) -> int:
    lowered = head.lower()
    start = lowered.index(LENGTH) + len(LENGTH)
    return int(lowered[start:].split(b"\r\n", 1)[0])


async def put_load(
    port: int, request: Callable[[], bytes], *, connections: int, seconds: float
) -> Load:
    """Load the server on `port` for `seconds`."""
    load, loop = Load(), asyncio.get_running_loop()
    started = time.perf_counter()
    until = started + seconds
    opened = [
        await loop.create_connection(lambda: _Connection(load, request, until), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.ended for _, protocol in opened))
    load.seconds = time.perf_counter() - started
    return load
