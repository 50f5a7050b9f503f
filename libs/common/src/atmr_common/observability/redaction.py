"""Keeps secrets and patients' data out of the logs, by structure: names of keys, types of values.

No pattern looks for phone numbers in text. What has no known harmless type is told by its type,
an error by its type, its SQLSTATE and where it was raised, never by its message.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time, timedelta
from enum import Enum
from pathlib import PurePath
from types import TracebackType
from typing import Any
from uuid import UUID

from pydantic import BaseModel, SecretBytes, SecretStr

REDACTED = "[redacted]"
MAX_DEPTH = 6
MAX_ITEMS = 50

SECRETS = re.compile(
    r"auth(orization)?|bearer|cookies?|credentials?|dsn|jwt|key|passphrase|passwd|password|secrets?"
    r"|signature|tokens?"
)
PERSONAL = re.compile(
    r"address(es)?|birth|birthda(y|te)|body|city|comments?|contact|coordinates?|diagnosis|dob"
    r"|e?mails?|first(name)?|forename|given|home|house|insurance|label|last(name)?|lat|latitude"
    r"|lng|location|lon|longitude|message|mobile|names?|notes?|passenger|patient|payload|person"
    r"|phones?|pin|postcode|query|remarks?|street|subject|surname|telephone|text|title|url|value"
    r"|words?|zip"
)
HARMLESS = frozenset({"key"})
"""Whole names that hold one of the words and tell nothing: the bus's key is an id."""
HARMLESS_ENDS = ("_id", "_ids", "_s", "_ms", "_count")


def is_sensitive(name: object) -> bool:
    """Whether a value under this name may be a secret or say something about a person."""
    plain = str(name)
    if plain in HARMLESS or plain.endswith(HARMLESS_ENDS):
        return False
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", plain).lower())
    return any(SECRETS.fullmatch(word) or PERSONAL.fullmatch(word) for word in words)


def redacted(value: object, depth: int = 0) -> Any:
    """`value` as what may stand in a log: plain types, with the sensitive parts taken out."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, BaseException):
        return describe_error(value)
    if depth >= MAX_DEPTH:
        return f"[{type(value).__name__}]"
    for kinds, tell in _TELLERS:
        if isinstance(value, kinds):
            return tell(value, depth)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _of_fields(value, (field.name for field in dataclasses.fields(value)), depth)
    return f"[{type(value).__name__}]"


def describe_error(error: BaseException) -> dict[str, Any]:
    """The type of an error, what PostgreSQL or the system calls it, and no message."""
    told: dict[str, Any] = {"type": _name(type(error))}
    if getattr(error, "tells_no_personal_data", False):
        told["says"] = str(error)
    origin = getattr(error, "orig", None) or error
    for found in (origin, getattr(origin, "__cause__", None)):
        for name in ("sqlstate", "constraint_name", "table_name", "column_name", "errno"):
            fact = getattr(found, name, None)
            if isinstance(fact, str | int):
                told[name] = fact
    return told


def traceback_of(error: BaseException) -> list[str]:
    """Where `error` and what caused it were raised: a line each, the first cause first."""
    lines: list[str] = []
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    for each in reversed(chain):
        lines += [*_frames(each.__traceback__), _sentence(each)]
        if isinstance(each, BaseExceptionGroup):
            for inner in each.exceptions[:MAX_ITEMS]:
                lines += ["  | " + line for line in traceback_of(inner)]
    return lines


def _sentence(error: BaseException) -> str:
    facts = describe_error(error)
    kind = facts.pop("type")
    return f"{kind} {facts}" if facts else str(kind)


def _frames(trace: TracebackType | None) -> Iterable[str]:
    while trace is not None:
        code = trace.tb_frame.f_code
        yield f"  {code.co_filename}:{trace.tb_lineno} {code.co_qualname}"
        trace = trace.tb_next


def _name(kind: type) -> str:
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return module + kind.__qualname__


def _mapping(value: Mapping[object, object], depth: int) -> dict[str, Any]:
    return {
        str(name): REDACTED if is_sensitive(name) else redacted(item, depth + 1)
        for name, item in list(value.items())[:MAX_ITEMS]
    }


def _sequence(value: Iterable[object], depth: int) -> list[Any]:
    items = list(value)
    told = [redacted(item, depth + 1) for item in items[:MAX_ITEMS]]
    return told if len(items) <= MAX_ITEMS else [*told, f"[{len(items) - MAX_ITEMS} more]"]


def _model(value: BaseModel, depth: int) -> Any:
    if getattr(value, "sensitive", False):
        return f"[{type(value).__name__}]"
    return _of_fields(value, type(value).model_fields, depth)


def _of_fields(value: object, names: Iterable[str], depth: int) -> dict[str, Any]:
    return _mapping({name: getattr(value, name) for name in names}, depth)


_TELLERS: tuple[tuple[tuple[type, ...], Callable[[Any, int], Any]], ...] = (
    ((SecretStr, SecretBytes), lambda _value, _depth: REDACTED),
    ((Enum,), lambda value, depth: redacted(value.value, depth)),
    ((str,), lambda value, _depth: str(value)),
    ((bytes, bytearray, memoryview), lambda value, _depth: f"[{len(value)} bytes]"),
    ((UUID, PurePath, date, time, timedelta), lambda value, _depth: str(value)),
    ((type,), lambda value, _depth: _name(value)),
    ((BaseModel,), _model),
    ((Mapping,), _mapping),
    ((list, tuple, set, frozenset), _sequence),
)
