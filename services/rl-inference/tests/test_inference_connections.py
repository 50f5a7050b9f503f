"""What a client may do to a connection: flood it, never finish, change its protocol, or leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import uvicorn
from structlog.testing import capture_logs
from support.inference_doors import TICKS, TOKEN, Doors, connect, conversation
from support.inference_plane import FakePlane

from atmr_common.web.bounded_http import MOST_SILENT_BYTES
from atmr_common.web.server import Server
from rl_inference.doors.fast_protocol import FastProtocol
from rl_inference.errors import ComputationError

INFER = "/v2/models/adder/infer"
SCORE = "/atmr.policy.v1.PolicyService/ScoreCandidates"
PREDICT = "/atmr.risk.v1.DelayRiskService/Predict"
INFERENCE: dict[str, Any] = {
    "inputs": [
        {"name": name, "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}
        for name in ("left", "right")
    ]
}
SCORES: dict[str, Any] = {
    "codecVersion": 1,
    "candidates": {"shape": [1, 4], "values": [1, 0, 0, 0]},
    "context": {"shape": [2], "values": [1, 2]},
    "mask": [True],
}
DELAYS: dict[str, Any] = {"featureVersion": 2, "rows": {"shape": [1, 3], "values": [60, 0, 0]}}


def request(path: str, message: Any, **headers: str) -> bytes:
    body = orjson.dumps(message)
    usual = {
        "host": "doors",
        "authorization": TOKEN,
        "content-type": "application/json",
        "content-length": str(len(body)),
    }
    named = usual | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(path: str, message: Any) -> bytes:
    """The same on the ordinary way."""
    body = orjson.dumps(message)
    head = (
        f"POST {path} HTTP/1.1\r\nhost: doors\r\nauthorization: {TOKEN}\r\n"
        "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    return head.encode() + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


@pytest.fixture
def doors() -> Doors:
    return Doors(FakePlane())


@dataclass
class Listening:
    """The doors on a socket."""

    host: str
    port: int
    doors: Doors
    server: Server

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.host, self.port)


@asynccontextmanager
async def listening(doors: Doors, **options: Any) -> AsyncIterator[Listening]:
    server = Server(
        uvicorn.Config(
            doors.app,
            http=FastProtocol.with_routes(doors.hot),
            lifespan="off",
            log_config=None,
            access_log=False,
            port=0,
            **options,
        )
    )
    serving = asyncio.create_task(server.serve())
    await server.accepting.wait()
    host, port = server.servers[0].sockets[0].getsockname()
    try:
        yield Listening(host, port, doors, server)
    finally:
        server.should_exit = True
        await serving


async def until(met: Any) -> None:
    async with asyncio.timeout(10):
        while not met():  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("ordinary", [False, True])
async def test_a_client_that_sends_and_never_reads_is_read_no_further(
    doors: Doors, *, ordinary: bool
) -> None:
    """Each answer let in as much again as had come at first."""
    made = chunked if ordinary else request
    piece = made(INFER, INFERENCE) * 50
    wire = connect(doors, fast=True)
    wire.protocol.data_received(piece)
    answered = 0
    for _ in range(200):
        await asyncio.sleep(0)
        if wire.reading.is_set():
            assert not wire.protocol.pipeline
            break
        answered = wire.written.count(b"HTTP/1.1 200")
    assert answered > 10 or ordinary
    async with asyncio.timeout(10):
        await wire.reading.wait()
    assert wire.written.count(b"HTTP/1.1 200") >= 49
    wire.close()
    await asyncio.gather(*wire.protocol.tasks)


async def test_a_pipelined_request_whose_body_is_still_to_come_is_read_on(doors: Doors) -> None:
    sent = request(INFER, INFERENCE)
    last = request(INFER, INFERENCE, connection="close")
    for place in (len(last) - 200, len(last) - 5):
        answer = await conversation(doors, [sent + sent + last[:place], last[place:]], fast=True)
        assert answer.count(b"HTTP/1.1 200") == 3


@pytest.mark.parametrize(
    "endless",
    [
        b"GET /v2 HTTP/1.1\r\nx-long: ",
        b"GET /",
        b"POST /v2 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1;",
        b"POST /v2 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-trailer: ",
    ],
)
async def test_a_head_or_trailer_without_end_is_cut_off(doors: Doors, endless: bytes) -> None:
    wire = connect(doors, fast=True)
    wire.protocol.data_received(endless)
    piece = b"a" * 16_384
    sent = 0
    while not wire.is_closing() and sent <= 2 * MOST_SILENT_BYTES:
        wire.protocol.data_received(piece)
        sent += len(piece)
    assert MOST_SILENT_BYTES - len(piece) <= sent <= MOST_SILENT_BYTES + len(piece)
    assert wire.is_closing()
    assert wire.written.startswith(b"HTTP/1.1 431 ")
    assert b"connection: close" in wire.written
    await asyncio.gather(*wire.protocol.tasks)


@pytest.mark.parametrize("path", [INFER, f"{INFER}?ordinary"])
async def test_a_long_body_is_no_head_without_end(doors: Doors, path: str) -> None:
    body = orjson.dumps(INFERENCE) + b" " * (2 * MOST_SILENT_BYTES)
    head = request(path, INFERENCE, content_length=str(len(body)), connection="close")
    head = head[: head.index(b"\r\n\r\n") + 4]
    pieces = [body[start : start + 10_000] for start in range(0, len(body), 10_000)]
    answer = await conversation(doors, [head, *pieces], fast=True)
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("begins", ["GET /v2", f"POST {INFER}"])
async def test_many_short_heads_are_no_head_without_end(doors: Doors, begins: str) -> None:
    wire = connect(doors, fast=True)
    head = f"{begins} HTTP/1.1\r\nauthorization: {TOKEN}\r\ncontent-length: 0\r\nx-note: "
    sent = head.encode() + b"a" * 4000 + b"\r\n\r\n"
    for _ in range(2 * MOST_SILENT_BYTES // len(sent)):
        wire.protocol.data_received(sent)
        for _ in range(TICKS):
            await asyncio.sleep(0)
        await asyncio.gather(*wire.protocol.tasks)
    assert not wire.is_closing()
    wire.close()


async def test_a_name_twice_is_refused_after_the_same_request_without(doors: Doors) -> None:
    """What was remembered of the first must not let the second pass."""
    message = INFERENCE | {"id": "a"}
    twice = orjson.dumps(message)[:-1] + b',"id":"a"}'
    good = request(INFER, message)
    bad = good[: good.index(b"content-length")] + b"content-length: %d\r\n\r\n" % len(twice)
    for fast in (True, False):
        last = request(INFER, message, connection="close")
        answer = await conversation(doors, [good + bad + twice + last], fast=fast)
        statuses = [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]
        assert statuses == [b"200", b"400", b"200"]


async def test_a_request_half_read_survives_that_another_changes_its_way(doors: Doors) -> None:
    first, wrong = request(INFER, INFERENCE), request(INFER, {"inputs": []})
    last = request(f"{INFER}?ordinary", INFERENCE, connection="close", x_request_id="r9")
    for place in range(10, last.index(b"\r\n\r\n"), 7):
        pieces = [first + wrong + last[:place], last[place:]]
        answer = await conversation(doors, pieces, fast=True)
        statuses = [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]
        assert statuses == [b"200", b"400", b"200"]
        assert answer.count(b"x-request-id: r9") == 1


@pytest.mark.parametrize("path", [INFER, SCORE])
async def test_a_declared_oversize_is_refused_before_it_comes(doors: Doors, path: str) -> None:
    head = request(path, {}, content_length="999999999")
    wire = connect(doors, fast=True)
    wire.protocol.data_received(head[: head.index(b"\r\n\r\n") + 4])
    async with asyncio.timeout(5):
        await asyncio.gather(*wire.protocol.tasks)
    assert wire.written.startswith(b"HTTP/1.1 413" if path == INFER else b"HTTP/1.1 429")
    wire.close()


async def test_a_failure_on_the_hot_way_is_logged_with_its_id(doors: Doors) -> None:
    """The client is told that the request id finds it in the logs."""
    doors.plane.answering = ComputationError("it failed")
    with capture_logs() as logs:
        sent = request(INFER, INFERENCE, x_request_id="r7", connection="close")
        answer = await conversation(doors, [sent], fast=True)
    assert answer.startswith(b"HTTP/1.1 500")
    assert [each["request_id"] for each in logs if each["log_level"] == "error"] == ["r7"]


async def test_a_request_that_upgrades_is_not_asked(doors: Doors) -> None:
    wire = connect(doors, fast=True)
    wire.protocol.ws_protocol_class = object
    upgraded: list[bool] = []
    wire.protocol.handle_websocket_upgrade = lambda: upgraded.append(True)
    wire.protocol.data_received(
        request(INFER, INFERENCE, connection="upgrade", upgrade="websocket")
    )
    for _ in range(TICKS):
        await asyncio.sleep(0)
    assert upgraded
    assert not doors.plane.asked
    assert not wire.written
    wire.close()


async def test_a_trailer_is_no_header(doors: Doors) -> None:
    seen: list[list[tuple[bytes, bytes]]] = []
    app = doors.app

    async def looking(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)
        seen.append(list(scope["headers"]))

    doors.app = looking  # type: ignore[assignment]
    sent = chunked(INFER, INFERENCE)[:-2] + b"x-forwarded-for: 8.8.8.8\r\nx-last: 1\r\n\r\n"
    wire = connect(doors, fast=True)
    wire.protocol.data_received(sent)
    await asyncio.gather(*wire.protocol.tasks)
    assert wire.written.startswith(b"HTTP/1.1 200")
    assert b"x-forwarded-for" not in dict(seen[0])
    wire.close()


async def test_an_upgrade_does_not_ask_the_request_before_it_again(doors: Doors) -> None:
    wire = connect(doors, fast=True)
    wire.protocol.ws_protocol_class = object  # a server that has websockets
    wire.protocol.handle_websocket_upgrade = lambda: None
    wire.protocol.data_received(request(INFER, INFERENCE))
    for _ in range(TICKS):
        await asyncio.sleep(0)
    upgrade = b"GET /v2 HTTP/1.1\r\nhost: d\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
    wire.protocol.data_received(upgrade)
    for _ in range(TICKS):
        await asyncio.sleep(0)
    assert len(doors.plane.asked) == 1
    assert wire.written.count(b"HTTP/1.1") == 1
    wire.close()


@pytest.mark.parametrize(
    ("path", "message"), [(INFER, INFERENCE), (SCORE, SCORES), (PREDICT, DELAYS)]
)
@pytest.mark.parametrize("made", [request, chunked])
async def test_an_ask_is_cancelled_when_its_client_leaves(
    doors: Doors, path: str, message: Any, made: Any
) -> None:
    doors.plane.holding = True
    async with listening(doors) as at:
        _, writer = await at.open()
        writer.write(made(path, message))
        await until(lambda: doors.plane.asked)
        assert not doors.plane.asked[0].cancelled
        writer.transport.abort()
        await until(lambda: doors.plane.asked[0].cancelled)


async def test_a_client_that_stays_is_answered_once(doors: Doors) -> None:
    async with listening(doors) as at:
        reader, writer = await at.open()
        for _ in range(3):
            writer.write(chunked(INFER, INFERENCE))
            async with asyncio.timeout(5):
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
                assert orjson.loads(await reader.readexactly(length))["model_name"] == "adder"
        writer.close()
    assert len(doors.plane.asked) == 3


async def test_a_shutdown_over_a_socket_answers_what_is_under_way(doors: Doors) -> None:
    doors.plane.holding = True
    async with listening(doors) as at:
        reader, writer = await at.open()
        writer.write(request(INFER, INFERENCE))
        await until(lambda: doors.plane.asked)
        at.server.should_exit = True
        await asyncio.sleep(0.3)
        doors.plane.release()
        async with asyncio.timeout(5):
            answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answer
    writer.close()


@pytest.mark.parametrize("says", [b"", b"GET /v2 HTTP/1.1\r\n"])
async def test_a_connection_that_says_nothing_is_closed_in_time(doors: Doors, says: bytes) -> None:
    """As one is that says nothing more; who has begun is waited for."""
    async with listening(doors, timeout_keep_alive=1) as at:
        reader, writer = await at.open()
        writer.write(says)
        async with asyncio.timeout(5):
            if says:
                await asyncio.sleep(1.5)
                writer.write(b"host: d\r\nconnection: close\r\n\r\n")
            answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 200") if says else answer == b""
