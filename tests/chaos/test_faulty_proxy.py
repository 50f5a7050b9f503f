from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from chaos.proxy import FaultyProxy, Target

LIMIT_S = 5.0


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def proxied() -> AsyncIterator[FaultyProxy]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with FaultyProxy(lambda: ("127.0.0.1", port)) as proxy:
        yield proxy
    server.close()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, words: bytes, limit_s: float = LIMIT_S) -> float:
        """Seconds until the echo is whole."""
        began = time.monotonic()
        self.writer.write(words)
        async with asyncio.timeout(limit_s):
            assert await self.reader.readexactly(len(words)) == words
        return time.monotonic() - began


@asynccontextmanager
async def connected(proxy: FaultyProxy) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    yield Client(reader, writer)
    writer.transport.abort()


async def test_fair_weather_passes_everything_on() -> None:
    async with proxied() as proxy, connected(proxy) as client:
        for words in (b"a", b"bc" * 200_000, b"d"):
            await client.say(words)


async def test_latency_counts_in_both_directions_and_ends() -> None:
    async with proxied() as proxy, connected(proxy) as client:
        proxy.set(latency_s=0.1)
        assert await client.say(b"late") >= 0.2
        proxy.set()
        assert await client.say(b"soon") < 0.1


async def test_throttled_bytes_take_their_time() -> None:
    async with proxied() as proxy, connected(proxy) as client:
        proxy.set(bytes_per_s=20_000)
        assert await client.say(b"x" * 4_000) >= 0.4


async def test_a_reset_cuts_what_is_open_and_nothing_else() -> None:
    async with proxied() as proxy:
        async with connected(proxy) as client:
            await client.say(b"before")
            proxy.reset()
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await client.say(b"after")
        async with connected(proxy) as another:
            await another.say(b"again")


async def test_silence_holds_old_and_new_connections_until_it_ends() -> None:
    async with proxied() as proxy, connected(proxy) as old:
        await old.say(b"before")
        proxy.set(silent=True)
        with pytest.raises(TimeoutError):
            await old.say(b"held", limit_s=0.1)
        async with connected(proxy) as new:
            with pytest.raises(TimeoutError):
                await new.say(b"new", limit_s=0.1)
            proxy.set()
            async with asyncio.timeout(LIMIT_S):
                assert await old.reader.readexactly(4) == b"held"
                assert await new.reader.readexactly(3) == b"new"


@pytest.mark.parametrize("target", [lambda: None, lambda: Path("/nowhere/socket")])
async def test_where_nothing_listens_the_connection_is_cut(target: Target) -> None:
    async with FaultyProxy(target) as proxy, connected(proxy) as client:
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await client.say(b"anybody?")


async def test_the_far_end_that_closes_closes_the_near_end() -> None:
    async def goodbye(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"bye")
        writer.close()

    server = await asyncio.start_server(goodbye, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with FaultyProxy(lambda: ("127.0.0.1", port)) as proxy, connected(proxy) as client:
        async with asyncio.timeout(LIMIT_S):
            assert await client.reader.readexactly(3) == b"bye"
            with suppress(ConnectionResetError):
                assert await client.reader.read() == b""
    server.close()
