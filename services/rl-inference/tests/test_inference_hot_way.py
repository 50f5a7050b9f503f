"""What the hot way does besides answering: disconnects, slow readers, metrics, spans, shutdown."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import orjson
import pytest
from support.inference_doors import TOKEN, Doors, Wire, connect
from support.inference_plane import FakePlane

from atmr_common.observability.tracing import Span, Tracer
from atmr_common.web import bounded_http
from atmr_common.web.identity import Identity, Role
from atmr_common.web.problems import UnauthenticatedError
from rl_inference.doors import fast_protocol
from rl_inference.doors.admission import TokenAdmission
from rl_inference.doors.exchange import Headers
from rl_inference.errors import OverloadedError

BODY = orjson.dumps(
    {
        "inputs": [
            {"name": name, "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}
            for name in ("left", "right")
        ]
    }
)
HEAD = (
    f"POST /v2/models/adder/infer HTTP/1.1\r\nhost: doors\r\nauthorization: {TOKEN}\r\n"
    f"x-request-id: r1\r\ncontent-length: {len(BODY)}\r\n"
).encode()
REQUEST = HEAD + b"\r\n" + BODY


@pytest.fixture
def doors() -> Doors:
    return Doors(FakePlane())


async def answers(wire: Wire, count: int) -> None:
    """Wait until so many answers were written."""
    async with asyncio.timeout(5):
        while wire.written.count(b"HTTP/1.1 ") < count:
            wire.progress.clear()
            await wire.progress.wait()


async def test_a_plain_request_takes_no_task(doors: Doors) -> None:
    wire = connect(doors, fast=True)
    wire.protocol.data_received(REQUEST)
    assert not wire.protocol.tasks
    await answers(wire, 1)
    assert wire.written.startswith(b"HTTP/1.1 200 OK")
    wire.close()


async def test_a_client_that_goes_away_cancels_its_ask(doors: Doors) -> None:
    doors.plane.holding = True
    wire = connect(doors, fast=True)
    wire.protocol.data_received(REQUEST)
    wire.protocol.connection_lost(ConnectionResetError())
    assert doors.plane.asked[0].cancelled
    doors.plane.asked[0].cancelled = False
    doors.plane.release()
    assert not wire.written


async def test_the_next_request_is_asked_after_the_answer_to_the_one_before(doors: Doors) -> None:
    doors.plane.holding = True
    wire = connect(doors, fast=True)
    wire.protocol.data_received(REQUEST + REQUEST)
    assert len(doors.plane.asked) == 1
    assert not wire.reading.is_set()
    doors.plane.release()
    await answers(wire, 2)
    assert wire.reading.is_set()
    wire.close()


async def test_a_slow_reader_is_waited_for(doors: Doors) -> None:
    wire = connect(doors, fast=True)
    wire.protocol.pause_writing()
    wire.protocol.data_received(REQUEST)
    await doors.plane.arrived.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not wire.written
    wire.protocol.resume_writing()
    await answers(wire, 1)
    wire.close()


async def test_a_shutdown_answers_first_and_closes_then(doors: Doors) -> None:
    doors.plane.holding = True
    wire = connect(doors, fast=True)
    wire.protocol.data_received(REQUEST)
    wire.protocol.shutdown()
    assert not wire.is_closing()
    doors.plane.release()
    async with asyncio.timeout(5):
        await wire.closed.wait()
    assert b"\r\nconnection: close\r\n" in wire.written


async def test_an_idle_connection_is_closed_in_time_and_an_answer_begins_it_anew(
    doors: Doors,
) -> None:
    wire = connect(doors, fast=True, timeout_keep_alive=0.4)
    await asyncio.sleep(0.3)
    wire.protocol.data_received(REQUEST)
    await answers(wire, 1)
    await asyncio.sleep(0.3)
    assert not wire.is_closing()
    async with asyncio.timeout(5):
        await wire.closed.wait()


async def test_who_waits_for_an_answer_is_not_idle(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_http, "LOOKS_EACH_S", 0.1)
    doors.plane.holding = True
    wire = connect(doors, fast=True, timeout_keep_alive=0.1)
    wire.protocol.data_received(REQUEST)
    await asyncio.sleep(0.4)
    assert not wire.is_closing()
    doors.plane.release()
    await answers(wire, 1)
    async with asyncio.timeout(5):
        await wire.closed.wait()


async def test_both_ways_count_under_the_same_route(doors: Doors) -> None:
    for fast in (True, False):
        wire = connect(doors, fast=fast)
        wire.protocol.data_received(REQUEST)
        await answers(wire, 1)
        wire.close()
        await asyncio.gather(*wire.protocol.tasks)
    labels = {"method": "POST", "route": "/v2/models/{name}/infer", "status": "200"}
    assert doors.registry.get_sample_value("atmr_http_requests_total", labels) == 2


class Sink:
    def __init__(self) -> None:
        self.spans: list[Span] = []

    def ended(self, span: Span) -> None:
        self.spans.append(span)

    async def aclose(self) -> None:
        pass


async def test_a_span_continues_the_trace_of_the_caller(doors: Doors) -> None:
    sink = Sink()
    doors.hot = replace(doors.hot, tracer=Tracer(sink))
    wire = connect(doors, fast=True)
    trace = "0af7651916cd43dd8448eb211c80319c"
    wire.protocol.data_received(
        HEAD + f"traceparent: 00-{trace}-b7ad6b7169203331-01\r\n\r\n".encode() + BODY
    )
    await answers(wire, 1)
    wire.close()
    assert sink.spans[0].context.trace_id == trace
    told = sink.spans[0].attributes
    assert told["http.response.status_code"] == 200
    assert (told["atmr.model.name"], told["atmr.model.version"]) == ("adder", 3)
    assert told["atmr.model.provider"] == "CPUExecutionProvider"
    assert told["atmr.inference.rows"] == 1
    assert 0 < float(told["atmr.inference.seconds"]) < 5
    assert (told["atmr.batch.rows"], told["atmr.batch.compute_seconds"]) == (5, 0.25)


async def test_the_span_of_what_was_never_taken_tells_no_time(doors: Doors) -> None:
    sink = Sink()
    doors.hot = replace(doors.hot, tracer=Tracer(sink))
    doors.plane.refusing = OverloadedError("full", 1.0)
    wire = connect(doors, fast=True)
    wire.protocol.data_received(REQUEST)
    await answers(wire, 1)
    wire.close()
    assert sink.spans[0].attributes["http.response.status_code"] == 429
    assert "atmr.inference.seconds" not in sink.spans[0].attributes


async def test_the_ordinary_way_cancels_an_ask_whose_caller_is_cancelled(doors: Doors) -> None:
    doors.plane.holding = True
    transport = httpx.ASGITransport(doors.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://doors") as client:
        asking = asyncio.create_task(
            client.post("/v2/models/adder/infer", content=BODY, headers={"authorization": TOKEN})
        )
        await doors.plane.arrived.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    assert doors.plane.asked[0].cancelled


@pytest.mark.parametrize(
    ("header", "admitted"),
    [
        (b"Bearer good", True),
        (b"bearer good", True),
        (b"Bearer bad", False),
        (b"Basic good", False),
        (b"Bearer", False),
        (b"\xff", False),
        (None, False),
    ],
)
def test_only_a_good_token_takes_the_hot_way(header: bytes | None, *, admitted: bool) -> None:
    identity = Identity(subject="tester", role=Role.SERVICE, company_id=None, granted=frozenset())

    def verify(token: str) -> Identity:
        if token != "good":  # noqa: S105 (opens nothing)
            raise UnauthenticatedError("no")
        return identity

    admits = TokenAdmission(verify, lambda caller: caller.role is Role.SERVICE)
    assert admits({} if header is None else {b"authorization": header}) is admitted
    refuses = TokenAdmission(verify, lambda _: False)
    assert not refuses({b"authorization": b"Bearer good"})


async def test_another_token_on_the_same_connection_is_looked_at(doors: Doors) -> None:
    wire = connect(doors, fast=True)
    for token in (TOKEN, "Bearer another", TOKEN):
        wire.protocol.data_received(REQUEST.replace(TOKEN.encode(), token.encode()))
    await answers(wire, 3)
    statuses = [each[:3] for each in bytes(wire.written).split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"401", b"200"]
    wire.close()


@pytest.mark.parametrize(("remembered_s", "times"), [(60.0, 1), (0.0, 3)])
async def test_a_token_is_looked_at_again_after_a_while(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, remembered_s: float, times: int
) -> None:
    monkeypatch.setattr(fast_protocol, "ADMITTED_S", remembered_s)
    looked, admits = list[Headers](), doors.hot.admits

    def counted(headers: Headers) -> bool:
        looked.append(headers)
        return admits(headers)

    doors.hot = replace(doors.hot, admits=counted)
    wire = connect(doors, fast=True)
    for number in range(3):
        wire.protocol.data_received(REQUEST)
        await answers(wire, number + 1)
    assert len(looked) == times
    wire.close()


async def test_a_path_without_end_is_not_remembered(doors: Doors) -> None:
    """It costs no token to send one."""
    assert doors.hot.find(b"/v2/models/adder/infer") is not None
    assert doors.hot.find(b"/v2/models/" + b"a" * 100_000 + b"/infer") is None
