"""Knows the head of a request that was parsed before on the same connection.

A client sends the same head again and again, but for a few values. Whatever stands around those is
compared byte by byte with what the parser has judged, and in them no character is let in that could
end a line: so the parser would find the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

Headers = dict[bytes, bytes]

LONGEST_HEAD = 8192
"""Bytes; a connection keeps what it knows, and to learn takes time by the square of the length."""
LONGEST_VALUE = 64
DIGITS = b"0123456789"
WORD = DIGITS + b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_."
VARYING = {
    b"content-length": DIGITS,
    b"inference-header-content-length": DIGITS,
    b"connect-timeout-ms": DIGITS,
    b"traceparent": WORD,
    b"x-request-id": WORD,
}
"""Headers whose values change from request to request, and the characters of those values."""


class Gap(NamedTuple):
    """Where a value stands: whose it is, what it may consist of, and the bytes that follow it."""

    name: bytes
    alphabet: bytes
    then: bytes


@dataclass(frozen=True, slots=True)
class FamiliarHead:
    """The bytes of a head around the values that change."""

    begins: bytes
    gaps: tuple[Gap, ...]
    headers: Headers

    def read(self, data: bytes) -> tuple[Headers, int] | None:
        """The headers and the length of the head, if `data` begins with such a head."""
        if not data.startswith(self.begins):
            return None
        headers, at = self.headers.copy(), len(self.begins)
        for name, alphabet, then in self.gaps:
            ends = data.find(b"\r", at, at + LONGEST_VALUE + 1)
            value = data[at:ends]
            if ends <= at or value.translate(None, alphabet) or not data.startswith(then, ends):
                return None
            headers[name] = value
            at = ends + len(then)
        return headers, at


def learned(head: bytes, path: bytes, headers: Headers) -> FamiliarHead | None:
    """What to know again of `head`, in which the parser found this path and these headers.

    None where the bytes could be read in another way than line by line, or are too many.
    """
    if len(head) > LONGEST_HEAD:
        return None
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    if first != b"POST " + path + b" HTTP/1.1" or len(lines) != len(headers):
        return None
    pieces, gaps = [first], list[tuple[bytes, bytes]]()
    for line, (name, value) in zip(lines, headers.items(), strict=True):
        title = line[: line.find(b":") + 1]
        if title.lower() != name + b":" or line[len(title) :].strip(b" ") != value:
            return None
        pieces[-1] += b"\r\n"
        alphabet = VARYING.get(name)
        if alphabet is None:
            pieces[-1] += line
        elif value and line.endswith(value) and not value.translate(None, alphabet):
            pieces[-1] += line[: -len(value)]
            pieces.append(b"")
            gaps.append((name, alphabet))
        else:
            return None
    pieces[-1] += b"\r\n\r\n"
    begins, *thens = pieces
    return FamiliarHead(
        begins, tuple(Gap(*gap, then) for gap, then in zip(gaps, thens, strict=True)), headers
    )
