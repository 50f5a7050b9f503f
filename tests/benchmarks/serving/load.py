"""A load generator for one request, sent again and again: it costs less than what it measures.

The first answer is read by its headers; all others must be as long, and begin with the same status
line, so that nothing has to be parsed.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

LENGTH = b"content-length:"


@dataclass
class Load:
    """What was measured of one round; `refused` are answers that are not 200."""

    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    refused: int = 0
    answer: bytes = b""
    """The first one, whole."""

    @property
    def done(self) -> int:
        return len(self.latencies_s)

    def percentile_us(self, share: float) -> float:
        ordered = sorted(self.latencies_s)
        return 1e6 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Connection(asyncio.Protocol):
    """Sends the request again when its answer is whole, until the time is over."""

    def __init__(self, load: Load, request: bytes, until: float) -> None:
        self._load = load
        self._request = request
        self._until = until
        self._expected = self._received = 0
        self._buffer = b""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        if not self._received:
            self._refuse_other_statuses(data)
        self._received += len(data)
        if not self._expected:
            self._buffer += data
            self._expected = whole_length(self._buffer)
        if not self._expected or self._received < self._expected:
            return
        now = time.perf_counter()
        self._load.answer = self._load.answer or self._buffer
        self._load.latencies_s.append(now - self._sent)
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None or self._received < self._expected:
            self._load.refused += 1
        if not self.ended.done():
            self.ended.set_result(None)

    def _refuse_other_statuses(self, data: bytes) -> None:
        if not data.startswith(b"HTTP/1.1 200"):
            self._load.refused += 1
            self._load.answer = data

    def _send(self) -> None:
        self._received = 0
        self._sent = time.perf_counter()
        self._transport.write(self._request)


def whole_length(answer: bytes) -> int:
    """How many bytes an answer has, by its headers; 0 before they are there."""
    head, separator, _ = answer.partition(b"\r\n\r\n")
    if not separator:
        return 0
    lowered = head.lower()
    start = lowered.index(LENGTH) + len(LENGTH)
    return len(head) + len(separator) + int(lowered[start:].split(b"\r\n", 1)[0])


async def put_load(port: int, request: bytes, *, connections: int, seconds: float) -> Load:
    """Keep `connections` busy with `request` for `seconds`."""
    load, loop = Load(), asyncio.get_running_loop()
    started = time.perf_counter()
    until = started + seconds
    opened = [
        await loop.create_connection(lambda: Connection(load, request, until), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.ended for _, protocol in opened))
    load.seconds = time.perf_counter() - started
    return load
