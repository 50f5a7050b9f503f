"""What one connection may make a server hold, on the server that every service has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from atmr_common.web import bounded_http
from atmr_common.web.bounded_http import MOST_SILENT_BYTES, BoundedHttpProtocol
from atmr_common.web.server import server_part

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the names of the headers as they are when the body is read."""
    while (await receive()).get("more_body"):
        pass
    body = b",".join(name for name, _ in scope["headers"])
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def connected(
    app: Any, http: type[BoundedHttpProtocol] = BoundedHttpProtocol
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    probe = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = probe.sockets[0].getsockname()[1]
    probe.close()
    await probe.wait_closed()
    server = server_part(app, host="127.0.0.1", port=port, drain_s=1, http=http)
    await server.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        yield reader, writer
        writer.close()
    finally:
        await server.stop()


@pytest.mark.parametrize("begins", [b"GET / HTTP/1.1\r\nx: ", b"GET /"])
async def test_a_head_without_end_ends(begins: bytes) -> None:
    async with connected(echo) as (reader, writer), asyncio.timeout(10):
        writer.write(begins)
        writer.write(b"a" * MOST_SILENT_BYTES)
        answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_a_trailer_is_no_header() -> None:
    head = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    async with connected(echo) as (reader, writer), asyncio.timeout(10):
        writer.write(head + b"1\r\na\r\n0\r\nx-forwarded-for: 8.8.8.8\r\nx-last: 1\r\n\r\n")
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.split(b"content-length: ")[1].split(b"\r\n")[0])
        names = await reader.readexactly(length)
    assert names == b"host,transfer-encoding"


async def test_pipelined_requests_are_answered_one_after_the_other() -> None:
    async with connected(echo) as (reader, writer), asyncio.timeout(10):
        writer.write(GET * 3000)
        for _ in range(3000):
            await reader.readuntil(b"\r\n\r\nhost")


@pytest.mark.parametrize(
    "begins",
    [
        b"GET / HTTP/1.1\r\nx: ",
        GET + GET[:5],
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n",
    ],
)
async def test_a_request_that_comes_too_slowly_ends(
    begins: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_http, "WHOLE_REQUEST_S", 1.0)
    monkeypatch.setattr(bounded_http, "LOOKS_EACH_S", 0.1)
    loop = asyncio.get_running_loop()
    async with connected(echo) as (reader, writer), asyncio.timeout(20):
        began = loop.time()
        writer.write(begins)
        reading = asyncio.create_task(reader.read())
        while not reading.done():
            writer.write(b"a")
            await asyncio.sleep(0.05)
        reading.exception()
    assert loop.time() - began >= 1.0


class Impatient(BoundedHttpProtocol):
    """Does not wait long for the next request."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.timeout_keep_alive = 0.3


async def refuse(_: Any, __: Any, send: Any) -> None:
    """Answer before the body is there."""
    await send({"type": "http.response.start", "status": 413, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def test_who_is_answered_early_may_finish_the_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_http, "LOOKS_EACH_S", 0.1)
    async with connected(refuse, Impatient) as (reader, writer), asyncio.timeout(10):
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n")
        for _ in range(4):
            writer.write(b"a")
            await asyncio.sleep(0.2)
        assert not reader.at_eof()
        writer.write(b"a" + GET)
        assert (await reader.read()).count(b"HTTP/1.1 413 ") == 2
