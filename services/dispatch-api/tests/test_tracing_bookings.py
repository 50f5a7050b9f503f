"""One booking is one trace: request, event, publication and reception."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from support.booking_world import BookingWorld
from support.dispatch_client import TODAY, DispatchApi
from support.tokens import TokenSigner

from atmr_common.bus.port import Message
from atmr_common.contracts.catalogue import BOOKING
from atmr_common.observability.otlp import OpenTelemetrySpans
from atmr_common.observability.tracing import Tracer
from atmr_common.observability.work_context import TraceContext, under_way
from atmr_common.runtime.clock import FixedClock
from dispatch_api.app import create_app
from dispatch_api.composition import make_ports
from dispatch_api.settings import DispatchSettings

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADER = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
async def traced_api(
    dispatch_settings: DispatchSettings,
    development_issuer: TokenSigner,
    exporter: InMemorySpanExporter,
) -> AsyncIterator[DispatchApi]:
    sink = OpenTelemetrySpans(SimpleSpanProcessor(exporter), service="tests", version="1")
    clock = FixedClock(TODAY)
    jwks = development_issuer.jwks()
    async with make_ports(dispatch_settings, clock=clock, jwks=jwks, tracer=Tracer(sink)) as ports:
        app = create_app(dispatch_settings, ports)
        yield DispatchApi(app, ports, clock, development_issuer)


async def book(api: DispatchApi, headers: dict[str, str]) -> tuple[Message, TraceContext, UUID]:
    """A booking with these headers; its event as a consumer receives it, and in which work."""
    company_id = await api.company()
    received: asyncio.Queue[tuple[Message, TraceContext, UUID]] = asyncio.Queue()

    async def receive(message: Message) -> None:
        work = under_way()
        assert work is not None
        assert work.trace is not None
        assert work.company_id is not None
        received.put_nowait((message, work.trace, work.company_id))

    await api.ports.bus.subscribe([BOOKING], "tests", receive)
    async with api.client(company_id) as client:
        body = await BookingWorld(api, company_id).leg()
        answer = await client.post("/v1/bookings", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
    while await api.ports.relay.relay_batch():
        pass
    async with asyncio.timeout(10):
        message, trace, company = await received.get()
    assert company == company_id
    return message, trace, company


def spans_of(exporter: InMemorySpanExporter, trace_id: str) -> dict[str, ReadableSpan]:
    return {
        span.name: span
        for span in exporter.get_finished_spans()
        if span.context is not None and span.context.trace_id == int(trace_id, 16)
    }


def span_id(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.span_id


def parent_id(span: ReadableSpan) -> int:
    assert span.parent is not None
    return span.parent.span_id


async def test_one_booking_is_one_trace(
    traced_api: DispatchApi, exporter: InMemorySpanExporter
) -> None:
    message, working_in, company_id = await book(traced_api, {"traceparent": HEADER})
    await traced_api.ports.bus.aclose()
    spans = spans_of(exporter, TRACE)
    request = spans["POST /v1/bookings"]
    published, received = spans[f"publish {BOOKING}"], spans[f"receive {BOOKING}"]
    assert parent_id(request) == int(SPAN, 16)
    assert parent_id(published) == parent_id(received) == span_id(request)
    assert message.headers["ce_traceparent"] == f"00-{TRACE}-{span_id(request):016x}-01"
    assert working_in == TraceContext(TRACE, f"{span_id(received):016x}", sampled=True)
    assert dict(request.attributes or {})["atmr.company_id"] == str(company_id)
    assert dict(request.attributes or {})["http.response.status_code"] == 201


async def test_without_a_traceparent_a_trace_begins(
    traced_api: DispatchApi, exporter: InMemorySpanExporter
) -> None:
    message, working_in, _ = await book(traced_api, {"traceparent": "nonsense"})
    context = TraceContext.parse(message.headers["ce_traceparent"])
    assert context is not None
    await traced_api.ports.bus.aclose()
    assert working_in.trace_id == context.trace_id
    assert len(spans_of(exporter, context.trace_id)) == 3
    assert spans_of(exporter, context.trace_id)["POST /v1/bookings"].parent is None


async def test_without_an_exporter_the_trace_is_handed_on(dispatch_api: DispatchApi) -> None:
    message, working_in, _ = await book(dispatch_api, {"traceparent": HEADER})
    assert message.headers["ce_traceparent"] == HEADER
    assert working_in == TraceContext(TRACE, SPAN, sampled=True)


async def test_the_door_answers_whatever_the_traceparent(dispatcher: httpx.AsyncClient) -> None:
    for header in ("", "\xff", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "0" * 5_000):
        answer = await dispatcher.get("/v1/bookings", headers=[(b"traceparent", header.encode())])
        assert answer.status_code == 200
