"""Sends spans by OTLP over HTTP, with OpenTelemetry's SDK (the extra `telemetry`).

Only its exporter and batches are used: our spans are handed over when they have ended.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from atmr_common.observability.tracing import Span
from atmr_common.observability.work_context import TraceContext

log = structlog.get_logger(__name__)

EXPORT_TIMEOUT_S = 5
CLOSE_S = 3.0
SCOPE = InstrumentationScope("atmr")


class OpenTelemetrySpans:
    """A sink that hands spans to one of OpenTelemetry's processors."""

    def __init__(self, processor: SpanProcessor, *, service: str, version: str) -> None:
        self._processor = processor
        self._resource = Resource({"service.name": service, "service.version": version})

    def ended(self, span: Span) -> None:
        self._processor.on_end(
            ReadableSpan(
                name=span.name,
                context=_context(span.context, remote=False),
                parent=_context(span.parent, remote=True) if span.parent else None,
                resource=self._resource,
                attributes=span.attributes,
                kind=SpanKind[span.kind.name],
                status=Status(StatusCode.ERROR, span.error) if span.error else Status(),
                start_time=span.started_ns,
                end_time=span.ended_ns,
                instrumentation_scope=SCOPE,
            )
        )

    async def aclose(self) -> None:
        """Send what waits; a collector that does not answer is not waited for long."""
        loop, sent = asyncio.get_running_loop(), asyncio.Event()

        def send() -> None:
            self._processor.shutdown()
            with suppress(RuntimeError):  # nobody waits any more: the loop is closed
                loop.call_soon_threadsafe(sent.set)

        threading.Thread(target=send, name="last spans", daemon=True).start()
        try:
            async with asyncio.timeout(CLOSE_S):
                await sent.wait()
        except TimeoutError:
            log.warning("the last spans were not sent", waited_s=CLOSE_S)


def otlp_spans(endpoint: str, *, service: str, version: str) -> OpenTelemetrySpans:
    """Spans for the collector at `endpoint`, sent in batches by a thread of the SDK."""
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_TIMEOUT_S)
    return OpenTelemetrySpans(BatchSpanProcessor(exporter), service=service, version=version)


def _context(context: TraceContext, *, remote: bool) -> SpanContext:
    return SpanContext(
        trace_id=int(context.trace_id, 16),
        span_id=int(context.span_id, 16),
        is_remote=remote,
        trace_flags=TraceFlags(TraceFlags.SAMPLED if context.sampled else TraceFlags.DEFAULT),
    )
