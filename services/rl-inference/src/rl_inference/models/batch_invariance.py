"""Whether a model gives a row the same bits alone, in a batch, elsewhere in it, and in memory.

Requests are computed together only where this holds, so that nobody's answer depends on who else
asked. It is tried when a model is loaded, with rows drawn from a seed. Some kernels (ONNX Runtime's
ReduceMean of an input) add in another order where their numbers lie off a multiple of 16 bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_inference.errors import ComputationError
from rl_inference.models.session import Session
from rl_inference.tensors import ANY, NUMPY, Tensors, TensorSpec

SEED = 29
ROWS = 13
"""That are compared: no multiple of the rows that a kernel takes at once."""
BEFORE, AFTER = 17, 31
"""Rows around them in the larger batch."""
_OPEN_LENGTH = 3
_BOUNDARY = 64


def is_batch_invariant(session: Session, max_batch_size: int) -> bool:
    """Whether rows may be computed together; False also where the drawn rows cannot be computed."""
    if max_batch_size <= 1:
        return True
    most = min(max_batch_size, BEFORE + ROWS + AFTER)
    rows = min(ROWS, most - 1)
    first = min(BEFORE, most - rows)
    random = np.random.default_rng(SEED)
    drawn = {spec.name: _drawn(random, spec, most) for spec in session.inputs}
    try:
        single = [_bits(session, drawn, row, row + 1) for row in range(first, first + rows)]
        batch = _bits(session, drawn, first, first + rows)
        larger = _bits(session, drawn, 0, most)[first : first + rows]
        shifted = _bits(session, drawn, first, first + rows, shift=1)
    except ComputationError:
        return False
    return [each for (each,) in single] == batch == larger == shifted


def _bits(
    session: Session, drawn: Tensors, start: int, stop: int, *, shift: int = 0
) -> list[list[object]]:
    """The bits of every output, by row."""
    inputs = {name: _placed(array[start:stop], shift) for name, array in drawn.items()}
    outputs = session.run(inputs, [spec.name for spec in session.outputs])
    if any(len(array) != stop - start for array in outputs):
        raise ComputationError("another number of rows")
    return [[_exact(array[row]) for array in outputs] for row in range(stop - start)]


def _placed(array: NDArray[Any], shift: int) -> NDArray[Any]:
    """A copy, so many numbers past a boundary of the memory: a request lies where it arrived."""
    if array.dtype == np.object_:
        return array.copy()
    room = np.empty(array.nbytes + 2 * _BOUNDARY, np.uint8)
    start = -room.ctypes.data % _BOUNDARY + shift * array.itemsize
    placed = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    placed[:] = array
    return placed


def _exact(values: NDArray[Any]) -> object:
    """To be compared: bytes, so that -0 is not 0 and a NaN equals itself."""
    array = np.asarray(values)
    return array.tolist() if array.dtype == np.object_ else array.tobytes()


def _drawn(random: np.random.Generator, spec: TensorSpec, rows: int) -> NDArray[Any]:
    """Finite rows; whole numbers are 0 or 1, since they may be places in a table."""
    inner = tuple(_OPEN_LENGTH if length == ANY else length for length in spec.shape[1:])
    shape, dtype = (rows, *inner), NUMPY[spec.datatype]
    if dtype.kind == "f":
        return random.standard_normal(shape).astype(dtype)
    zeros_and_ones = random.integers(0, 2, shape)
    if dtype == np.object_:
        return np.where(zeros_and_ones == 0, b"0", b"1").astype(np.object_)
    return zeros_and_ones.astype(dtype)
