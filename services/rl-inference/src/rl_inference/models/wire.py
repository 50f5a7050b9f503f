"""Protocol Buffers' wire format, as much as ONNX files need: reading fields and writing them.

It lets the server look into a file before a library does, and write one without the `onnx` package.
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}
_LONGEST_VARINT = 10
_LARGEST_KEY = 2**32 - 1


class WireError(ValueError):
    """Bytes that are no message."""


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field, in the order of the file; nothing is copied.

    Raises:
        WireError: where the message ends early, or has a field of no known type.

    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        if key > _LARGEST_KEY:  # other readers cut it off, and see the field of another number
            raise WireError("a field's number of more than 32 bits")
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if kind == BYTES:
            length, place = _varint(message, place)
        elif kind in _FIXED:
            length = _FIXED[kind]
        else:
            raise WireError(f"a field of the unknown type {kind}")
        if place + length > len(message):
            raise WireError("the file ends within a field")
        yield number, message[place : place + length]
        place += length


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """The number that begins at `place`, and the place after it."""
    value = 0
    for index in range(_LONGEST_VARINT):
        if place + index >= len(message):
            raise WireError("the file ends within a number")
        byte = message[place + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # noqa: PLR2004 (the bit that says that the number goes on)
            return value, place + index + 1
    raise WireError("a number of more than ten bytes")


def field(number: int, value: bytes | str | int) -> bytes:
    """One field: a message or bytes, a text, or a number of 64 bits."""
    if isinstance(value, int):
        return _number(number << 3 | VARINT) + _number(value & 0xFFFF_FFFF_FFFF_FFFF)
    content = value.encode() if isinstance(value, str) else value
    return _number(number << 3 | BYTES) + _number(len(content)) + content


def _number(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:  # noqa: PLR2004 (seven bits to a byte)
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
