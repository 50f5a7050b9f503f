"""BYTES tensors: `bytes` in the data plane, UTF-8 text where a library wants text."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_text(array: NDArray[Any]) -> NDArray[Any]:
    """The array with text for bytes; other arrays as they are.

    Raises:
        UnicodeDecodeError: for bytes that are no UTF-8.

    """
    if array.dtype != np.object_:
        return array
    return _filled(array, [_text(each) for each in array.flat])


def as_bytes(array: NDArray[Any]) -> NDArray[Any]:
    """The array with bytes for text; arrays of numbers as they are."""
    if array.dtype.kind not in "OU":
        return array
    return _filled(array, [_text(each).encode() for each in array.flat])


def _filled(array: NDArray[Any], values: list[Any]) -> NDArray[Any]:
    filled = np.empty(array.size, dtype=np.object_)
    filled[:] = values
    return filled.reshape(array.shape)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
