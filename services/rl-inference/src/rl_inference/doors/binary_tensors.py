"""Tensors as raw little-endian bytes, after the protocol's binary tensor data extension."""

from __future__ import annotations

from math import prod
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_inference.errors import InvalidInputError
from rl_inference.tensors import NUMPY

LENGTH = Struct("<I")
LITTLE_ENDIAN = {name: dtype.newbyteorder("<") for name, dtype in NUMPY.items()}


def read_binary(
    name: str, datatype: str, shape: tuple[int, ...], content: memoryview
) -> NDArray[Any]:
    """The array whose bytes are `content`; of numbers it is a view where they lie aligned.

    Raises:
        InvalidInputError: when there are more or fewer bytes than `shape` needs.

    """
    if datatype == "BYTES":
        return _read_texts(name, shape, content)
    dtype = LITTLE_ENDIAN[datatype]
    expected = prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise InvalidInputError(
            f"input '{name}': shape {list(shape)} of {datatype} needs {expected} bytes,"
            f" got {len(content)}"
        )
    if datatype == "BOOL" and content and np.frombuffer(content, np.uint8).max() > 1:
        raise InvalidInputError(f"input '{name}': a BOOL is a byte of 0 or 1")
    array = np.frombuffer(content, dtype).reshape(shape)
    return array if array.flags.aligned else array.copy()


def write_binary(datatype: str, array: NDArray[Any]) -> bytes:
    """The bytes of an output."""
    if datatype != "BYTES":
        return array.astype(LITTLE_ENDIAN[datatype], copy=False).tobytes()
    texts = [_bytes(value) for value in array.reshape(-1)]
    return b"".join(part for text in texts for part in (LENGTH.pack(len(text)), text))


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _read_texts(name: str, shape: tuple[int, ...], content: memoryview) -> NDArray[Any]:
    """Each element has four bytes of length, and then so many bytes."""
    texts: list[bytes] = []
    position, expected = 0, prod(shape)
    while position < len(content) and len(texts) < expected:
        start = position + LENGTH.size
        if start > len(content):
            raise InvalidInputError(f"input '{name}': the length of a BYTES element is cut off")
        position = start + LENGTH.unpack_from(content, position)[0]
        if position > len(content):
            raise InvalidInputError(f"input '{name}': a BYTES element is cut off")
        texts.append(bytes(content[start:position]))
    if len(texts) != expected or position != len(content):
        raise InvalidInputError(
            f"input '{name}': shape {list(shape)} holds {expected} BYTES elements,"
            f" not those that were sent"
        )
    array = np.empty(expected, dtype=np.object_)
    array[:] = texts
    return array.reshape(shape)
