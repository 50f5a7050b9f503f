"""Details of RPC errors: two messages of `google.rpc`, so that generated clients can read them.

Both are strings alone, so protobuf's wire format (tag, length, bytes) needs no library.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from typing import Any

BAD_REQUEST = "google.rpc.BadRequest"
ERROR_INFO = "google.rpc.ErrorInfo"
DOMAIN = "atmr-dispatch.dev"
LENGTH_DELIMITED = 2
CONTINUES = 0x80
"""The bit of a varint's byte that another follows."""


def bad_request(fields: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The detail that names wrong fields, each `(pointer, what is wrong)`."""
    violations = [_text(1, pointer) + _text(2, detail) for pointer, detail in fields]
    debug = [{"field": pointer, "description": detail} for pointer, detail in fields]
    message = b"".join(_bytes(1, violation) for violation in violations)
    return _detail(BAD_REQUEST, message, {"fieldViolations": debug})


def error_info(reason: str) -> dict[str, Any]:
    """The detail that names the domain's reason code."""
    message = _text(1, reason) + _text(2, DOMAIN)
    return _detail(ERROR_INFO, message, {"reason": reason, "domain": DOMAIN})


def read_bad_request(value: str) -> list[tuple[str, str]]:
    """The wrong fields of a detail; what cannot be read says nothing."""
    try:
        parts = [dict(_fields(part)) for number, part in _fields(_decoded(value)) if number == 1]
        return [(part.get(1, b"").decode(), part.get(2, b"").decode()) for part in parts]
    except ValueError:
        return []


def read_error_info(value: str) -> str | None:
    """The reason code of a detail, if it can be read."""
    try:
        return dict(_fields(_decoded(value)))[1].decode()
    except (ValueError, KeyError):
        return None


def _detail(kind: str, message: bytes, debug: dict[str, Any]) -> dict[str, Any]:
    value = base64.b64encode(message).decode().rstrip("=")
    return {"type": kind, "value": value, "debug": debug}


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4))
    except binascii.Error as error:
        raise ValueError("no base64") from error


def _text(number: int, text: str) -> bytes:
    return _bytes(number, text.encode())


def _bytes(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | LENGTH_DELIMITED]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    written = bytearray()
    while value >= CONTINUES:
        written.append(value % CONTINUES | CONTINUES)
        value >>= 7
    return bytes([*written, value])


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The length-delimited fields of a message, by number."""
    position = 0
    while position < len(message):
        tag, position = _read_varint(message, position)
        if tag & 7 != LENGTH_DELIMITED:
            raise ValueError("a field of another kind")
        length, position = _read_varint(message, position)
        if position + length > len(message):
            raise ValueError("the message is cut off")
        yield tag >> 3, message[position : position + length]
        position += length


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(message):
        byte = message[position]
        position += 1
        value |= (byte % CONTINUES) << shift
        if byte < CONTINUES:
            return value, position
        shift += 7
    raise ValueError("the message is cut off")
