"""A TCP proxy that makes a network bad on demand: late, slow, cut, or silent.

A fault holds for connections that are open and for later ones, until it is taken back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

CHUNK = 65_536
BACKLOG = 512
Target = Callable[[], tuple[str, int] | Path | None]
"""Where connections go at this moment: an address, a Unix socket, or nowhere."""


@dataclass
class Weather:
    """What happens to bytes in both directions."""

    latency_s: float = 0.0
    bytes_per_s: float = 0.0
    """0 is no limit."""
    silent: bool = False
    """Half-open: connections stand, nothing passes."""


class FaultyProxy:
    """`async with FaultyProxy(target) as proxy`: listens on `proxy.port` of the loopback."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._weather = Weather()
        self._fair = asyncio.Event()
        self._fair.set()
        self._connections: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", self.port, backlog=BACKLOG
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self.reset()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def set(
        self, *, latency_s: float = 0.0, bytes_per_s: float = 0.0, silent: bool = False
    ) -> None:
        """The weather from now on; without arguments it is fair again."""
        self._weather = Weather(latency_s, bytes_per_s, silent)
        if silent:
            self._fair.clear()
        else:
            self._fair.set()

    def reset(self) -> None:
        """Cut every connection at once, without a farewell."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        await self._fair.wait()
        try:
            far_reader, far_writer = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, far_writer}
        self._writers |= pair
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, far_writer))
                group.create_task(self._pass_on(far_reader, writer))
        except* (OSError, RuntimeError):
            pass
        finally:
            self._writers -= pair
            for each in pair:
                each.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        target = self._target()
        if target is None:
            raise ConnectionRefusedError
        if isinstance(target, Path):
            return await asyncio.open_unix_connection(str(target))
        return await asyncio.open_connection(*target)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until one side ends; then both do, as a database's or a broker's client would see it."""
        while data := await reader.read(CHUNK):
            weather = self._weather
            if weather.latency_s:
                await asyncio.sleep(weather.latency_s)
            if weather.bytes_per_s:
                await asyncio.sleep(len(data) / weather.bytes_per_s)
            await self._fair.wait()
            writer.write(data)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()
        raise ConnectionResetError
