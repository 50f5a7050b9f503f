"""What is known of the work under way: its trace, request and company, for logs and events.

The object is shared by everything that the work calls, threads included, so that a fact that is
learnt on the way (whose token it is) stands in every later log line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import NamedTuple, Self
from uuid import UUID

HEADER = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?",
    re.ASCII,
)
"""`traceparent` of W3C Trace Context, level 1; later versions may carry more at the end."""
MAX_LENGTH = 256
SAMPLED = 0x01


class TraceContext(NamedTuple):
    """A place in a trace: 32 and 16 hexadecimal digits, and whether its spans are wanted."""

    trace_id: str
    span_id: str
    sampled: bool

    @classmethod
    def parse(cls, header: str | None) -> Self | None:
        """The context that a `traceparent` header names; None where it names none."""
        if header is None or len(header) > MAX_LENGTH:
            return None
        match = HEADER.fullmatch(header)
        if match is None or (match[1] == "00" and match[5] is not None):
            return None
        return cls(match[2], match[3], bool(int(match[4], 16) & SAMPLED))

    def header(self) -> str:
        """As a `traceparent` header."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


@dataclass(slots=True)
class WorkContext:
    """One request, one message or one task."""

    trace: TraceContext | None = None
    request_id: str | None = None
    company_id: UUID | None = None


_under_way: ContextVar[WorkContext | None] = ContextVar("atmr_work", default=None)


def under_way() -> WorkContext | None:
    """The work that this code is part of."""
    return _under_way.get()


def begin_work(context: WorkContext) -> Token[WorkContext | None]:
    """From here on, `context` is under way; hand the token to `end_work`."""
    return _under_way.set(context)


def end_work(token: Token[WorkContext | None]) -> None:
    """What was under way before is so again."""
    _under_way.reset(token)


@contextmanager
def working(context: WorkContext) -> Iterator[WorkContext]:
    """`context` is under way within the block."""
    token = begin_work(context)
    try:
        yield context
    finally:
        end_work(token)


def note_company(company_id: UUID | None) -> None:
    """Say whose work this is, as soon as it is known."""
    context = _under_way.get()
    if context is not None:
        context.company_id = company_id


def current_traceparent() -> str | None:
    """The header that continues the present trace elsewhere, or None outside of any."""
    context = _under_way.get()
    return context.trace.header() if context is not None and context.trace is not None else None
