"""One structured log per process: JSON lines for machines, plain text for a terminal.

Only names and values that the code hands over are written, redacted by structure; no request body
ever is. Foreign libraries pass the same way, and are heard from WARNING up.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from atmr_common.observability.redaction import (
    REDACTED,
    describe_error,
    is_sensitive,
    redacted,
    traceback_of,
)
from atmr_common.observability.work_context import under_way

Event = MutableMapping[str, Any]

OWN = ("atmr_common", "atmr_engine", "dispatch_api", "standalone")
"""The packages whose loggers follow the level that is set."""
MUTED = ("uvicorn.access", "sqlalchemy.engine", "sqlalchemy.pool", "httpx", "httpcore", "alembic")
"""Told by our own logs and metrics, or able to show a statement's parameters or a URL."""
OURS = frozenset({"event", "level", "logger", "timestamp", "exc_info", "stack_info"})
"""Names that the chain itself writes; all others are the caller's."""


def configure_logs(level: str = "INFO", log_format: str = "json") -> None:
    """Route structlog and the standard library's loggers to stderr in one format."""
    known: list[Any] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.contextvars.merge_contextvars,
        add_work_context,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *known,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(known, log_format))
    _route(handler, level)


def _formatter(known: list[Any], log_format: str) -> logging.Formatter:
    """The last steps, which redact and render, are the same for every logger."""
    rendering: list[Any] = (
        [structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [neutralise, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=known,
        use_get_message=False,
        pass_foreign_args=True,
        processors=[
            fill_in_foreign_arguments,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            redact,
            tell_errors,
            *rendering,
        ],
    )


def _route(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.getLevelNamesMapping()[level], logging.WARNING))
    for own in OWN:
        logging.getLogger(own).setLevel(level)
    for foreign in ("uvicorn", "uvicorn.error", *MUTED):
        logging.getLogger(foreign).handlers.clear()
        logging.getLogger(foreign).setLevel(logging.WARNING)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # an outage is told by the bus


def add_work_context(logger: Any, method: str, event: Event) -> Event:
    """Whose work this line belongs to: trace, request and company."""
    del logger, method
    work = under_way()
    if work is not None:
        if work.trace is not None:
            event["trace_id"], event["span_id"] = work.trace.trace_id, work.trace.span_id
        if work.request_id is not None:
            event["request_id"] = work.request_id
        if work.company_id is not None:
            event["company_id"] = str(work.company_id)
    return event


def fill_in_foreign_arguments(logger: Any, method: str, event: Event) -> Event:
    """`%s` of the standard library's records, with arguments that were redacted before."""
    del logger, method
    arguments = event.pop("positional_args", None)
    if arguments:
        safe = redacted(arguments)
        try:
            event["event"] = event["event"] % (safe if isinstance(safe, dict) else tuple(safe))
        except (TypeError, ValueError):
            event["event"] = str(event["event"])
    return event


def redact(logger: Any, method: str, event: Event) -> Event:
    """Take out what must not be written; see `redaction`."""
    del logger, method
    for name in event.keys() - OURS:
        event[name] = REDACTED if is_sensitive(name) else redacted(event[name])
    event["event"] = str(redacted(event["event"]))
    return event


def tell_errors(logger: Any, method: str, event: Event) -> Event:
    """Replace `exc_info` by the error's type, facts and places; its message stays untold."""
    del logger, method
    event.pop("stack_info", None)
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error"] = describe_error(error)
        event["exception"] = "\n".join(traceback_of(error))
    return event


def neutralise(logger: Any, method: str, event: Event) -> Event:
    """Show control characters instead of obeying them: one event must not look like two.

    The traceback is made of names in our code; its line breaks stay.
    """
    del logger, method
    return {
        _shown(name): value if name == "exception" else _neutral(value)
        for name, value in event.items()
    }


def _neutral(value: Any) -> Any:
    if isinstance(value, str):
        return _shown(value)
    if isinstance(value, dict):
        return {_shown(name): _neutral(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_neutral(item) for item in value]
    return value


def _shown(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )
