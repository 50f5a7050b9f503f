"""Remembers what the JSON before binary tensors said: a client sends the same one every time.

What was checked once for the same bytes and the same tensors of a model is not checked again; only
the numbers behind it are new.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rl_inference.doors.binary_tensors import read_binary
from rl_inference.doors.inference_request import InferenceRequest, read_request

if TYPE_CHECKING:
    from rl_inference.models.loaded import LoadedModel
    from rl_inference.tensors import TensorSpec

LONGEST_HEAD = 2048
"""Bytes; a longer one costs more to remember than it is likely to save."""
MOST_HEADS = 256


@dataclass(frozen=True, slots=True)
class Part:
    """Where an input lies in the body, and what it is."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Head:
    """What was checked, and for which tensors; it holds on to no model."""

    request: InferenceRequest
    parts: tuple[Part, ...]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    max_batch_size: int

    def is_of(self, model: LoadedModel) -> bool:
        """Whether the same head means the same for `model`."""
        session = model.session
        return (
            session.inputs is self.inputs
            and session.outputs is self.outputs
            and model.max_batch_size == self.max_batch_size
        )

    def read(self, body: bytes | bytearray) -> InferenceRequest:
        """The request with the numbers of `body`."""
        content, known = memoryview(body), self.request
        return InferenceRequest(
            inputs={
                part.name: read_binary(
                    part.name, part.datatype, part.shape, content[part.start : part.end]
                )
                for part in self.parts
            },
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
        self, body: bytes | bytearray, header_length: bytes | None, model: LoadedModel
    ) -> InferenceRequest:
        """The request in `body`; raises as `read_request` does."""
        if header_length is None or not header_length.isdigit() or len(header_length) > len("2048"):
            return read_request(body, header_length, model)
        length = int(header_length)
        if not 0 < length <= min(LONGEST_HEAD, len(body)):
            return read_request(body, header_length, model)
        key = (bytes(body[:length]), len(body))
        known = self._heads.get(key)
        if known is not None and known.is_of(model):
            return known.read(body)
        request = read_request(body, header_length, model)
        self._remember(key, request, model)
        return request

    def _remember(
        self, key: tuple[bytes, int], request: InferenceRequest, model: LoadedModel
    ) -> None:
        head, body_length = key
        parts = _parts(request, model, len(head))
        if request.id is not None or not parts or parts[-1].end != body_length:
            return  # an id makes each head another one, and an input inside the JSON is no part
        if len(self._heads) >= MOST_HEADS:
            self._heads.clear()
        session = model.session
        self._heads[key] = Head(
            request=replace(request, inputs={}),
            parts=parts,
            inputs=session.inputs,
            outputs=session.outputs,
            max_batch_size=model.max_batch_size,
        )


def _parts(request: InferenceRequest, model: LoadedModel, start: int) -> tuple[Part, ...]:
    """The inputs one after the other, in the order of the request; none where a length varies."""
    datatypes = {spec.name: spec.datatype for spec in model.session.inputs}
    if "BYTES" in datatypes.values():
        return ()
    parts = []
    for name, array in request.inputs.items():
        parts.append(Part(name, datatypes[name], array.shape, start, start + array.nbytes))
        start += array.nbytes
    return tuple(parts)
