"""Tensors as JSON: flat or nested lists of plain values to arrays of a datatype, and back.

Nothing is converted between kinds: a text is no number, a fraction no integer, and null nothing.
"""

from __future__ import annotations

from array import array
from itertools import chain
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_inference.errors import InvalidInputError
from rl_inference.tensors import NUMPY

FLOATS = frozenset({"FP16", "FP32", "FP64"})
ARRAYS = {"FP32": "f", "FP64": "d"}
"""Python's arrays take lists of numbers twice as fast; too large for FP32 is infinite."""


def read_json(name: str, datatype: str, shape: tuple[int, ...], data: object) -> NDArray[Any]:
    """The array that `data` says, in row-major order.

    Raises:
        InvalidInputError: when values, their number or their nesting do not fit.

    """
    if type(data) is not list:
        raise InvalidInputError(f"input '{name}': data must be a list")
    flat = _flat(name, data, shape)
    expected = prod(shape)
    if len(flat) != expected:
        raise InvalidInputError(
            f"input '{name}': shape {list(shape)} holds {expected} values, got {len(flat)}"
        )
    _check_kinds(name, datatype, flat)
    return _array(name, datatype, flat).reshape(shape)


def write_json(name: str, datatype: str, values: NDArray[Any]) -> NDArray[Any] | list[str]:
    """The values of an output in row-major order, as orjson writes them; NaN becomes null.

    Raises:
        InvalidInputError: for bytes that are no text: they have to be asked for in binary.

    """
    if datatype != "BYTES":
        return np.ascontiguousarray(values).reshape(-1)
    try:
        return [_text(value) for value in values.reshape(-1)]
    except UnicodeDecodeError as error:
        message = f"output '{name}' holds bytes that are no UTF-8; ask for it with binary_data"
        raise InvalidInputError(message) from error


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _flat(name: str, data: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """The values in one list; nested lists must have the lengths that `shape` says."""
    for axis in range(1, len(shape)):
        if not data or type(data[0]) is not list:
            break
        if set(map(type, data)) != {list} or set(map(len, data)) != {shape[axis]}:
            raise InvalidInputError(f"input '{name}': data is not nested as shape {list(shape)}")
        if axis == 1 and len(data) != shape[0]:
            raise InvalidInputError(f"input '{name}': data has {len(data)} rows, not {shape[0]}")
        data = list(chain.from_iterable(data))
    return data


def _check_kinds(name: str, datatype: str, flat: list[Any]) -> None:
    """Refuse values of another kind than the datatype's."""
    kinds = set(map(type, flat))
    if datatype in FLOATS:
        kinds -= {float, int}
    elif datatype == "BYTES":
        kinds -= {str}
    else:
        kinds -= {bool if datatype == "BOOL" else int}
    if kinds:
        found = " and ".join(sorted(_word(kind) for kind in kinds))
        raise InvalidInputError(f"input '{name}': data of {datatype} holds {found}")


def _word(kind: type) -> str:
    words: dict[type, str] = {
        bool: "a truth value",
        str: "a text",
        list: "a list",
        dict: "an object",
        float: "a fraction",
        int: "an integer",
    }
    return words.get(kind, "null")


def _array(name: str, datatype: str, flat: list[Any]) -> NDArray[Any]:
    if datatype == "BYTES":
        texts = np.empty(len(flat), dtype=np.object_)
        texts[:] = [text.encode() for text in flat]
        return texts
    try:
        if datatype in ARRAYS:
            return np.frombuffer(array(ARRAYS[datatype], flat), NUMPY[datatype])
        with np.errstate(over="ignore"):  # too large for FP16 is infinite, as in binary tensors
            return np.array(flat, dtype=NUMPY[datatype])
    except OverflowError as error:
        raise InvalidInputError(f"input '{name}': a value does not fit into {datatype}") from error
