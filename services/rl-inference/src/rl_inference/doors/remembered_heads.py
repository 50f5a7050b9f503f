"""Remembers what the JSON before binary tensors said: a client sends the same one every time.

What was checked once for the same bytes and the same tensors of a model is not checked again; only
the numbers behind it are new.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rl_inference.doors.binary_tensors import LITTLE_ENDIAN
from rl_inference.doors.inference_request import InferenceRequest, read_request
from rl_inference.doors.judged_tensors import LONGEST_HEAD, MOST_HEADS, JudgedTensors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rl_inference.models.loaded import LoadedModel

CHECKED_EACH_TIME = frozenset({"BYTES", "BOOL"})
"""Datatypes of which not all bytes are values."""


@dataclass(frozen=True, slots=True)
class Part:
    """Where an input lies in the body, and what it is."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    count: int
    start: int

    def read(self, body: bytes | bytearray) -> NDArray[Any]:
        """The numbers, where they lie; copied where no number may begin there."""
        array: NDArray[Any] = np.ndarray(self.shape, self.dtype, body, self.start)
        return array if array.flags.aligned else array.copy()


@dataclass(frozen=True, slots=True)
class Head:
    """What was checked, and for which tensors."""

    request: InferenceRequest
    parts: tuple[Part, ...]
    judged: JudgedTensors

    def read(self, body: bytes | bytearray) -> InferenceRequest:
        """The request with the numbers of `body`."""
        known = self.request
        return InferenceRequest(
            inputs={part.name: part.read(body) for part in self.parts},
            outputs=known.outputs,
            binary=known.binary,
            rows=known.rows,
            timeout_s=known.timeout_s,
            priority=known.priority,
        )


class RememberedHeads:
    """Reads requests as `read_request` does, with a memory of the last few heads."""

    def __init__(self) -> None:
        self._heads: dict[tuple[bytes, int], Head] = {}

    def read(
        self, body: bytes | bytearray, header_length: bytes, model: LoadedModel
    ) -> InferenceRequest:
        """The request in `body`; raises as `read_request` does."""
        if not header_length.isdigit() or len(header_length) > len("2048"):
            return read_request(body, header_length, model)
        length = int(header_length)
        if not 0 < length <= min(LONGEST_HEAD, len(body)):
            return read_request(body, header_length, model)
        key = (bytes(body[:length]), len(body))
        known = self._heads.get(key)
        if known is not None and known.judged.are_of(model):
            return known.read(body)
        request = read_request(body, header_length, model)
        self._remember(key, request, model)
        return request

    def _remember(
        self, key: tuple[bytes, int], request: InferenceRequest, model: LoadedModel
    ) -> None:
        head, body_length = key
        parts = _parts(request, model, len(head))
        if request.id is not None or not parts or _end(parts) != body_length:
            return  # an id makes each head another one, and an input inside the JSON is no part
        if len(self._heads) >= MOST_HEADS:
            self._heads.clear()
        self._heads[key] = Head(replace(request, inputs={}), parts, JudgedTensors.of(model))


def _parts(request: InferenceRequest, model: LoadedModel, start: int) -> tuple[Part, ...]:
    """The inputs in the order of the request; none where bytes mean more than numbers."""
    datatypes = {spec.name: spec.datatype for spec in model.session.inputs}
    if not CHECKED_EACH_TIME.isdisjoint(datatypes.values()):
        return ()
    parts = []
    for name, array in request.inputs.items():
        dtype = LITTLE_ENDIAN[datatypes[name]]
        parts.append(Part(name, dtype, array.shape, array.size, start))
        start += array.nbytes
    return tuple(parts)


def _end(parts: tuple[Part, ...]) -> int:
    return parts[-1].start + parts[-1].count * parts[-1].dtype.itemsize
