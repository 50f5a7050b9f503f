"""Spans of our own, after W3C Trace Context: stock instrumentation would cost 90 % of a request.

Without a sink, contexts are read, continued and handed on, and nothing is recorded.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

import httpx

from atmr_common.observability.work_context import (
    TraceContext,
    WorkContext,
    current_traceparent,
    under_way,
    working,
)

EVENT_HEADER = "ce_traceparent"
"""Where an event carries the context of the change that it tells (CloudEvents, Kafka binding)."""

Attributes = dict[str, str | int | float | bool]


class SpanKind(StrEnum):
    """Which side of an exchange a span is."""

    INTERNAL = "internal"
    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"


@dataclass(slots=True, kw_only=True)
class Span:
    """A piece of work with its beginning and end in nanoseconds since 1970.

    Attributes carry ids, templates and numbers: no name, address or free text.
    """

    name: str
    kind: SpanKind
    context: TraceContext
    parent: TraceContext | None
    started_ns: int
    ended_ns: int = 0
    attributes: Attributes = field(default_factory=dict)
    error: str | None = None


class SpanSink(Protocol):
    """Where finished spans go."""

    def ended(self, span: Span) -> None:
        """Take a finished span that is sampled; returns at once and never raises."""

    async def aclose(self) -> None:
        """Hand over what waits."""


class Tracer:
    """Makes spans; `sample_ratio` is the share of the traces beginning here that is recorded.

    A trace that began elsewhere is recorded when its beginner wants it. Without a sink a context
    is handed on unchanged: a span that nobody records must not become a parent.
    """

    def __init__(
        self,
        sink: SpanSink | None = None,
        *,
        sample_ratio: float = 1.0,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._sink = sink
        self._below = int(sample_ratio * 2**64)
        self._now_ns = now_ns

    @property
    def exporting(self) -> bool:
        """Whether spans go anywhere."""
        return self._sink is not None

    def continue_trace(self, parent: TraceContext | None) -> TraceContext:
        """The context of work that `parent` caused, or of a new trace."""
        if parent is None:
            return self._root()
        if self._sink is None:
            return parent
        return TraceContext(parent.trace_id, _digits(64), parent.sampled)

    def begin(
        self,
        name: str,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        parent: TraceContext | None = None,
        attributes: Attributes | None = None,
    ) -> Span:
        """A span that begins now; hand it to `end`."""
        return Span(
            name=name,
            kind=kind,
            context=self.continue_trace(parent),
            parent=parent,
            started_ns=self._now_ns(),
            attributes=attributes or {},
        )

    def end(self, span: Span, error: BaseException | None = None) -> None:
        """The span ends now; of an error only its type is told."""
        if self._sink is not None and span.context.sampled:
            span.ended_ns = self._now_ns()
            if error is not None:
                span.error = type(error).__name__
            self._sink.ended(span)

    @contextmanager
    def span(
        self,
        name: str,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        parent: TraceContext | None = None,
        attributes: Attributes | None = None,
    ) -> Iterator[Span]:
        """The block as a span; its parent is `parent`, else the span under way, else none."""
        outer = under_way() or WorkContext()
        span = self.begin(name, kind=kind, parent=parent or outer.trace, attributes=attributes)
        with working(WorkContext(span.context, outer.request_id, outer.company_id)):
            try:
                yield span
            except BaseException as error:
                self.end(span, error)
                raise
            self.end(span)

    @contextmanager
    def continued(
        self, headers: Mapping[str, str], name: str, attributes: Attributes | None = None
    ) -> Iterator[Span]:
        """The block receives the message with these headers: a span of the trace they carry."""
        span = self.begin(
            name,
            kind=SpanKind.CONSUMER,
            parent=TraceContext.parse(headers.get(EVENT_HEADER)),
            attributes=attributes,
        )
        with working(WorkContext(span.context, company_id=_company_of(headers))):
            try:
                yield span
            except BaseException as error:
                self.end(span, error)
                raise
            self.end(span)

    def wants(self, header: str | None) -> TraceContext | None:
        """The context of `header` where a span of it would be recorded."""
        if self._sink is None:
            return None
        context = TraceContext.parse(header)
        return context if context is not None and context.sampled else None

    async def aclose(self) -> None:
        """Hand over what waits to be sent."""
        if self._sink is not None:
            await self._sink.aclose()

    def _root(self) -> TraceContext:
        trace_id = _digits(128)
        return TraceContext(trace_id, _digits(64), int(trace_id[16:], 16) < self._below)


async def propagate_trace(request: httpx.Request) -> None:
    """Event hook: `httpx.AsyncClient(event_hooks={"request": [propagate_trace]})`."""
    header = current_traceparent()
    if header is not None:
        request.headers["traceparent"] = header


def traceparent_of(scope: Mapping[str, Any]) -> TraceContext | None:
    """The caller's context in an ASGI scope; two of them are as good as none."""
    offered = [value for name, value in scope["headers"] if name == b"traceparent"]
    return TraceContext.parse(offered[0].decode("latin-1")) if len(offered) == 1 else None


def _company_of(headers: Mapping[str, str]) -> UUID | None:
    try:
        return UUID(headers["ce_companyid"])
    except (KeyError, ValueError):
        return None


def _digits(bits: int) -> str:
    """Random hexadecimal digits, not all zero; they tell things apart and protect nothing."""
    number = random.getrandbits(bits) or 1
    return f"{number:0{bits // 4}x}"
