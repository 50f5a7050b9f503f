"""Contexts are read, continued and handed on, with and without somebody who records spans."""

from __future__ import annotations

import asyncio
import gzip
import re
import threading

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind as ExportedKind
from opentelemetry.trace import StatusCode
from prometheus_client import CollectorRegistry
from pydantic import HttpUrl
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from atmr_common.bus.memory import MemoryBus
from atmr_common.bus.port import Message
from atmr_common.observability import otlp
from atmr_common.observability.otlp import OpenTelemetrySpans
from atmr_common.observability.request_metrics import RequestMetrics
from atmr_common.observability.requests import ObserveRequests
from atmr_common.observability.traced_bus import TracedBus
from atmr_common.observability.tracer_building import build_tracer
from atmr_common.observability.tracing import (
    EVENT_HEADER,
    Span,
    SpanKind,
    Tracer,
    propagate_trace,
)
from atmr_common.observability.work_context import (
    TraceContext,
    WorkContext,
    current_traceparent,
    under_way,
    working,
)
from atmr_common.runtime.service_process import ConfigurationError

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADER = f"00-{TRACE}-{SPAN}-01"


class Recorded:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def ended(self, span: Span) -> None:
        self.spans.append(span)

    async def aclose(self) -> None:
        return


def test_a_header_is_read_and_written_back() -> None:
    context = TraceContext.parse(HEADER)
    assert context == TraceContext(TRACE, SPAN, sampled=True)
    assert context is not None
    assert context.header() == HEADER
    assert TraceContext.parse(f"00-{TRACE}-{SPAN}-00") == TraceContext(TRACE, SPAN, sampled=False)
    assert TraceContext.parse(f"cc-{TRACE}-{SPAN}-01-what-comes-later") is not None


@pytest.mark.parametrize(
    "header",
    [
        *(
            None,
            "",
            "00",
            HEADER.upper(),
            HEADER[:-1],
            HEADER + "0",
            HEADER + "-more",
            f" {HEADER}",
        ),
        *(f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01"),
        *(HEADER + "\n", f"cc-{TRACE}-{SPAN}-01-{'x' * 300}", f"00-{TRACE[:-1]}\u0661-{SPAN}-01"),
    ],
)
def test_what_is_no_header(header: str | None) -> None:
    assert TraceContext.parse(header) is None


@given(st.one_of(st.text(max_size=70), st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-.*")))
def test_any_text_is_a_context_or_nothing(text: str) -> None:
    context = TraceContext.parse(text)
    assert context is None or TraceContext.parse(context.header()) == context


def observed(tracer: Tracer) -> tuple[ObserveRequests, list[TraceContext | None]]:
    """The middleware around an application that tells its context."""
    seen: list[TraceContext | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive, scope
        work = under_way()
        seen.append(work.trace if work else None)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return ObserveRequests(app, metrics=RequestMetrics(CollectorRegistry()), tracer=tracer), seen


async def ask(middleware: ObserveRequests, *headers: tuple[bytes, bytes]) -> int:
    statuses: list[int] = []

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(int(str(message["status"])))

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b""}

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": list(headers)}
    await middleware(scope, receive, send)  # type: ignore[arg-type]  # plain dicts are messages
    return statuses[0]


@given(value=st.binary(max_size=80), recorded=st.booleans())
def test_no_traceparent_breaks_a_request(value: bytes, *, recorded: bool) -> None:
    sink = Recorded()
    middleware, seen = observed(Tracer(sink if recorded else None))
    assert asyncio.run(ask(middleware, (b"traceparent", value))) == 204
    assert seen[0] is not None
    assert re.fullmatch("[0-9a-f]{32}", seen[0].trace_id)
    assert len(sink.spans) <= recorded


async def test_a_request_continues_the_callers_trace() -> None:
    sink = Recorded()
    middleware, seen = observed(Tracer(sink))
    await ask(middleware, (b"traceparent", HEADER.encode()))
    span = sink.spans[0]
    assert span.context == seen[0]
    assert span.parent == TraceContext(TRACE, SPAN, sampled=True)
    assert span.context.trace_id == TRACE
    assert span.context.span_id != SPAN
    assert (span.kind, span.name) == (SpanKind.SERVER, "GET unmatched")
    assert span.attributes["http.response.status_code"] == 204
    assert span.ended_ns >= span.started_ns > 0
    assert current_traceparent() is None


async def test_without_a_sink_the_context_is_handed_on_unchanged() -> None:
    middleware, seen = observed(Tracer())
    await ask(middleware, (b"traceparent", HEADER.encode()))
    assert seen == [TraceContext(TRACE, SPAN, sampled=True)]


async def test_two_headers_are_none() -> None:
    middleware, seen = observed(Tracer())
    await ask(middleware, (b"traceparent", HEADER.encode()), (b"traceparent", HEADER.encode()))
    assert seen[0] is not None
    assert seen[0].trace_id != TRACE


async def test_a_trace_that_nobody_wants_is_not_recorded() -> None:
    sink = Recorded()
    middleware, _ = observed(Tracer(sink))
    await ask(middleware, (b"traceparent", f"00-{TRACE}-{SPAN}-00".encode()))
    never, _ = observed(Tracer(sink, sample_ratio=0.0))
    await ask(never)
    assert sink.spans == []


def test_the_ratio_is_the_share_of_traces_that_begin_here() -> None:
    tracer = Tracer(sample_ratio=0.25)
    chosen = sum(tracer.continue_trace(None).sampled for _ in range(4_000))
    assert 850 < chosen < 1_150
    assert all(Tracer(sample_ratio=1.0).continue_trace(None).sampled for _ in range(100))
    assert not any(Tracer(sample_ratio=0.0).continue_trace(None).sampled for _ in range(100))


def test_spans_nest_and_an_error_is_told_by_its_type() -> None:
    sink = Recorded()
    tracer = Tracer(sink)
    with pytest.raises(KeyError), tracer.span("outer"), tracer.span("inner"):
        raise KeyError("ZZSECRET")
    inner, outer = sink.spans
    assert inner.parent == outer.context
    assert (inner.error, outer.error) == ("KeyError", "KeyError")
    assert "ZZSECRET" not in repr(sink.spans)


async def test_a_request_to_another_service_carries_the_context() -> None:
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("traceparent"))
        return httpx.Response(200)

    hooks = {"request": [propagate_trace]}
    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(transport=transport, event_hooks=hooks) as client:
        await client.get("http://osrm/")
        with working(WorkContext(TraceContext.parse(HEADER))):
            await client.get("http://osrm/")
    assert seen == [None, HEADER]


def message(traceparent: str | None) -> Message:
    headers = {EVENT_HEADER: traceparent} if traceparent else {}
    return Message(topic="t", key="k", value=b"", headers=headers)


@pytest.mark.parametrize("tail", [False, True])
async def test_a_message_is_received_in_the_trace_that_published_it(*, tail: bool) -> None:
    sink = Recorded()
    bus = TracedBus(MemoryBus(), Tracer(sink))
    received: asyncio.Queue[str | None] = asyncio.Queue()

    async def receive(_: Message) -> None:
        received.put_nowait(current_traceparent())

    await (bus.tail(["t"], receive) if tail else bus.subscribe(["t"], "group", receive))
    await bus.publish([message(HEADER), message(None), message("nonsense")])
    async with asyncio.timeout(5):
        headers = [await received.get() for _ in range(3)]
    await bus.aclose()
    published, *consumed = sink.spans
    assert (published.kind, published.name) == (SpanKind.PRODUCER, "publish t")
    assert published.parent == consumed[0].parent == TraceContext.parse(HEADER)
    assert [span.kind for span in consumed] == [SpanKind.CONSUMER] * 3
    assert headers == [span.context.header() for span in consumed]
    assert {span.context.trace_id for span in sink.spans[:2]} == {TRACE}
    assert TRACE not in {span.context.trace_id for span in consumed[1:]}


async def test_a_message_goes_on_in_its_trace_without_a_sink() -> None:
    bus = TracedBus(MemoryBus(), Tracer())
    received: asyncio.Queue[str | None] = asyncio.Queue()

    async def receive(_: Message) -> None:
        received.put_nowait(current_traceparent())

    await bus.subscribe(["t"], "group", receive)
    await bus.publish([message(HEADER)])
    async with asyncio.timeout(5):
        assert await received.get() == HEADER
    assert await bus.lag("group") is not None
    await bus.aclose()


async def test_a_publication_that_fails_is_a_span_with_an_error() -> None:
    class Broken(MemoryBus):
        async def publish(self, messages: object) -> None:
            del messages
            raise ConnectionError("ZZSECRET")

    sink = Recorded()
    bus = TracedBus(Broken(), Tracer(sink))
    with pytest.raises(ConnectionError):
        await bus.publish([message(HEADER)])
    assert [span.error for span in sink.spans] == ["ConnectionError"]
    await bus.aclose()


async def test_opentelemetry_gets_the_spans_as_they_are() -> None:
    exporter = InMemorySpanExporter()
    sink = OpenTelemetrySpans(SimpleSpanProcessor(exporter), service="tests", version="1")
    tracer = Tracer(sink)
    parent = TraceContext.parse(HEADER)
    with (
        pytest.raises(OSError, match="gone"),
        tracer.span("write", kind=SpanKind.CLIENT, parent=parent, attributes={"rows": 3}),
    ):
        raise OSError("gone")
    (span,) = exporter.get_finished_spans()
    assert span.context is not None
    assert span.parent is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == SPAN
    assert (span.name, span.kind) == ("write", ExportedKind.CLIENT)
    assert dict(span.attributes or {}) == {"rows": 3}
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "OSError")
    assert span.resource.attributes["service.name"] == "tests"
    await tracer.aclose()


async def test_the_tracer_follows_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = build_tracer(None, sample_ratio=1.0, service="tests", version="1")
    assert not plain.exporting
    endpoint = HttpUrl("http://127.0.0.1:9/v1/traces")
    sending = build_tracer(endpoint, sample_ratio=1.0, service="tests", version="1")
    assert sending.exporting
    await sending.aclose()
    monkeypatch.setitem(__import__("sys").modules, "atmr_common.observability.otlp", None)
    with pytest.raises(ConfigurationError, match=r"install atmr-common\[telemetry\]"):
        build_tracer(endpoint, sample_ratio=1.0, service="tests", version="1")


async def test_a_collector_that_is_away_does_not_hold_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(otlp, "CLOSE_S", 0.05)
    released = threading.Event()

    class Hanging(SimpleSpanProcessor):
        def shutdown(self) -> None:
            released.wait(30)

    sink = OpenTelemetrySpans(Hanging(InMemorySpanExporter()), service="tests", version="1")
    with capture_logs() as logged:
        await Tracer(sink).aclose()
    released.set()
    assert [line["event"] for line in logged] == ["the last spans were not sent"]


async def test_spans_reach_a_collector_over_http() -> None:
    """A real exchange: OTLP's request holds the name and both ids of the span."""
    requests: asyncio.Queue[tuple[bytes, bytes]] = asyncio.Queue()

    async def collect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        body = await reader.readexactly(int(length[1])) if length else b""
        requests.put_nowait((head, body))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(collect, "127.0.0.1", 0) as collector:
        port = collector.sockets[0].getsockname()[1]
        endpoint = HttpUrl(f"http://127.0.0.1:{port}/v1/traces")
        tracer = build_tracer(endpoint, sample_ratio=1.0, service="tests", version="9.9")
        with tracer.span("measured", parent=TraceContext.parse(HEADER)) as span:
            pass
        await tracer.aclose()
        async with asyncio.timeout(10):
            head, body = await requests.get()
    assert head.startswith(b"POST /v1/traces ")
    text = gzip.decompress(body) if b"content-encoding: gzip" in head.lower() else body
    assert b"measured" in text
    assert b"9.9" in text
    assert bytes.fromhex(TRACE) in text
    assert bytes.fromhex(span.context.span_id) in text
