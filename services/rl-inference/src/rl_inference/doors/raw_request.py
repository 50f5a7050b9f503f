"""A raw binary request: the body is the one input of the model, without any JSON."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from rl_inference.doors.binary_tensors import LITTLE_ENDIAN, read_binary
from rl_inference.errors import InvalidInputError
from rl_inference.tensors import ANY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rl_inference.models.loaded import LoadedModel
    from rl_inference.tensors import TensorSpec


def read_raw(content: memoryview, model: LoadedModel) -> dict[str, NDArray[Any]]:
    """The one input; its shape follows from the number of bytes.

    Raises:
        InvalidInputError: when the model has more inputs, or more than one open dimension.

    """
    if len(model.session.inputs) != 1:
        raise InvalidInputError(
            f"a raw binary request needs a model with one input;"
            f" '{model.name}' has {len(model.session.inputs)}"
        )
    spec = model.session.inputs[0]
    if spec.shape.count(ANY) > 1:
        raise InvalidInputError(f"input '{spec.name}': a raw binary request cannot tell its shape")
    if spec.datatype == "BYTES":
        return {spec.name: _one_text(spec, content)}
    return {spec.name: read_binary(spec.name, spec.datatype, _shape(spec, content), content)}


def _one_text(spec: TensorSpec, content: memoryview) -> NDArray[Any]:
    """All of the body is one element, without its length before it."""
    shape = tuple(1 if axis == ANY else axis for axis in spec.shape)
    if prod(shape) != 1:
        raise InvalidInputError(f"input '{spec.name}': a raw body is one BYTES element")
    array = np.empty(1, dtype=np.object_)
    array[0] = bytes(content)
    return array.reshape(shape)


def _shape(spec: TensorSpec, content: memoryview) -> tuple[int, ...]:
    """The open dimension as long as the bytes make it, rounded down: the reader compares."""
    known = prod(axis for axis in spec.shape if axis != ANY)
    row_bytes = known * LITTLE_ENDIAN[spec.datatype].itemsize
    open_axis = len(content) // row_bytes if row_bytes else 0
    return tuple(open_axis if axis == ANY else axis for axis in spec.shape)
