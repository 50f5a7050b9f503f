"""gzip and deflate, as `tritonclient` sends and asks for them, with a bound on what unfolds."""

from __future__ import annotations

import zlib

from rl_inference.errors import InvalidInputError

GZIP = 16 + zlib.MAX_WBITS
WINDOWS = {"gzip": GZIP, "deflate": zlib.MAX_WBITS}
LEVEL = 1
LONGEST_SHOWN = 32
SMALLEST = 1024
"""Bytes; packing less than a packet costs more than it saves."""


class UnknownEncodingError(InvalidInputError):
    """A content encoding that the doors do not speak: 415."""


class TooLargeInputError(InvalidInputError):
    """What unfolds passes the limit: 413."""


def unpacked(body: bytes | bytearray, encoding: bytes | None, max_bytes: int) -> bytes | bytearray:
    """The body as its sender wrote it.

    Raises:
        UnknownEncodingError: for another encoding than gzip, deflate or identity.
        TooLargeInputError: when it unfolds to more than `max_bytes`.
        InvalidInputError: when it is not one whole stream of that encoding.

    """
    word = (encoding or b"identity").decode("latin-1").strip().lower()
    if word == "identity":
        return body
    if word not in WINDOWS:
        raise UnknownEncodingError(
            f"Content-Encoding {word[:LONGEST_SHOWN]!r} is not known: send gzip or deflate"
        )
    unpacking = zlib.decompressobj(WINDOWS[word])
    try:
        whole = unpacking.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise InvalidInputError(f"the body is not {word}") from error
    if len(whole) > max_bytes:
        raise TooLargeInputError(f"a body may hold {max_bytes:,} bytes when unpacked")
    if not unpacking.eof or unpacking.unused_data:
        raise InvalidInputError(f"the body is not one whole {word} stream")
    return whole


def encoding_wanted(accept_encoding: bytes | None) -> str | None:
    """Gzip or deflate, whichever the client prefers of what it accepts; None: neither."""
    if not accept_encoding:
        return None
    best, preferred = 0.0, None
    for offer in accept_encoding.decode("latin-1").lower().split(","):
        word, _, weight = offer.strip().partition(";")
        if word.strip() in WINDOWS and _quality(weight) > best:
            best, preferred = _quality(weight), word.strip()
    return preferred


def packed(body: bytes, encoding: str) -> bytes:
    """The body in `encoding`; the same bytes give the same bytes."""
    packing = zlib.compressobj(LEVEL, wbits=WINDOWS[encoding])
    return packing.compress(body) + packing.flush()


def _quality(weight: str) -> float:
    """The weight of an offer; one that cannot be read is none."""
    name, _, value = weight.strip().partition("=")
    if not name:
        return 1.0
    digits = value.strip()
    return float(digits) if digits.replace(".", "", 1).isdecimal() and digits.isascii() else 0.0
