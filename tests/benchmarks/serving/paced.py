"""A load that comes at its own pace, whatever the server does: how it behaves under pressure.

A latency counts from the moment at which the request was due. Where every connection is busy, a
request that is due waits for one.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from benchmarks.serving.load import whole_length

TICK_S = 0.0005
LAST_ANSWERS_S = 3.0
"""After the last request; what has no answer by then is broken."""


@dataclass
class Paced:
    """Answers by status, each with its latency in seconds; `unsent` found no free connection."""

    seconds: float = 0.0
    latencies_s: dict[int, list[float]] = field(default_factory=dict)
    without_retry_after: int = 0
    """Refusals for too much load that do not say when to come back."""
    broken: int = 0
    unsent: int = 0

    def add(self, other: Paced) -> None:
        """Take in what was measured of another load."""
        self.seconds += other.seconds
        for status, latencies in other.latencies_s.items():
            self.latencies_s.setdefault(status, []).extend(latencies)
        self.without_retry_after += other.without_retry_after
        self.broken += other.broken
        self.unsent += other.unsent

    def count(self, *statuses: int) -> int:
        return sum(len(self.latencies_s.get(each, ())) for each in statuses)

    @property
    def failed(self) -> int:
        """Whatever is no answer with the scores."""
        return self.broken + sum(len(v) for k, v in self.latencies_s.items() if k != 200)

    def percentile_ms(self, share: float, *statuses: int) -> float:
        found = sorted(each for status in statuses for each in self.latencies_s.get(status, ()))
        return 1e3 * found[min(len(found) - 1, int(share * len(found)))] if found else 0.0


class Caller(asyncio.Protocol):
    """One connection: free, or waiting for an answer."""

    def __init__(self, found: Paced, request: bytes, free: deque[Caller]) -> None:
        self._found = found
        self._request = request
        self._free = free
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self._free.append(self)

    def ask(self, due: float) -> None:
        self._due = due
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        length = whole_length(self._buffer)
        if not length or len(self._buffer) < length:
            return
        status, answer, self._buffer = int(self._buffer[9:12]), self._buffer, b""
        now = time.perf_counter()
        self._found.latencies_s.setdefault(status, []).append(now - self._due)
        if status in {429, 503} and b"retry-after:" not in answer.lower():
            self._found.without_retry_after += 1
        self._free.append(self)

    def connection_lost(self, _: Exception | None) -> None:
        if self in self._free:
            self._free.remove(self)


async def put_paced_load(
    port: int, request: bytes, *, per_second: float, connections: int, seconds: float
) -> Paced:
    """Send `request` so many times a second, for `seconds`, and wait for the last answers."""
    found, loop = Paced(), asyncio.get_running_loop()
    free: deque[Caller] = deque()
    callers = []
    for _ in range(connections):
        _, caller = await loop.create_connection(
            lambda: Caller(found, request, free), "127.0.0.1", port
        )
        callers.append(caller)
    began, sent, total = time.perf_counter(), 0, int(per_second * seconds)
    while sent < total:
        due = min(total, int((time.perf_counter() - began) * per_second))
        while sent < due and free:
            free.popleft().ask(began + sent / per_second)
            sent += 1
        if time.perf_counter() - began > 2 * seconds:
            break
        await asyncio.sleep(TICK_S)
    found.seconds = time.perf_counter() - began
    found.unsent = total - sent
    await asyncio.sleep(LAST_ANSWERS_S)
    found.broken += connections - len(free)
    for caller in callers:
        caller.transport.close()
    return found
