"""Remembers what a request in JSON said beside its numbers: a client says the same every time.

The numbers are taken out and checked each time; what is left is compared as JSON, where `true` is
no 1, and not checked again where it was good for the same tensors of a model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from struct import Struct
from struct import error as StructError  # noqa: N812 (it is a class)
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson

from rl_inference.doors.inference_request import InferenceRequest, checked, identity_of, parsed
from rl_inference.doors.json_tensors import read_json
from rl_inference.doors.judged_tensors import LONGEST_HEAD, MOST_HEADS, JudgedTensors
from rl_inference.doors.names_once import has_colons, names_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rl_inference.models.loaded import LoadedModel

MOST_PACKED = 4096
"""Numbers of an input."""


class Part(NamedTuple):
    """An input, and what packs its numbers at once, where that can be."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    packing: Struct | None

    @classmethod
    def of(cls, name: str, datatype: str, shape: tuple[int, ...]) -> Part:
        """With its packing."""
        count = prod(shape)
        packs = datatype == "FP32" and 0 < count <= MOST_PACKED
        return cls(name, datatype, shape, Struct(f"{count}f") if packs else None)

    def read(self, data: Any, *, has_truths: bool) -> NDArray[Any]:
        """The numbers as an array; `has_truths`: a truth value may be among them.

        Packing takes those for numbers, and refuses all else that is none or too large, which then
        is looked at and put into words.
        """
        if self.packing is not None and not has_truths:
            try:
                packed = self.packing.pack(*data)
            except (StructError, OverflowError, TypeError):
                pass
            else:
                return np.frombuffer(packed, np.float32).reshape(self.shape)
        return read_json(self.name, self.datatype, self.shape, data)


@dataclass(frozen=True, slots=True)
class Frame:
    """What was checked, and for which tensors."""

    request: InferenceRequest
    parts: tuple[Part, ...]
    judged: JudgedTensors
    names: int
    """In the JSON, the identity's left out; more colons mean that a name may stand twice."""

    def fits(self, body: bytes | bytearray, head: dict[str, Any]) -> bool:
        """Whether nothing was lost when the body was parsed."""
        return has_colons(body, len(body), self.names + ("id" in head))

    def read(
        self, body: bytes | bytearray, numbers: list[Any], head: dict[str, Any]
    ) -> InferenceRequest:
        """The request with the numbers of `body` and the identity in `head`."""
        known, has_truths = self.request, b"true" in body or b"false" in body
        return InferenceRequest(
            inputs={
                part.name: part.read(data, has_truths=has_truths)
                for part, data in zip(self.parts, numbers, strict=True)
            },
            outputs=known.outputs,
            binary=known.binary,
            rows=known.rows,
            id=identity_of(head),
            timeout_s=known.timeout_s,
            priority=known.priority,
        )


class RememberedJson:
    """Reads requests without binary inputs, with a memory of the last few frames."""

    def __init__(self) -> None:
        self._frames: dict[bytes, Frame] = {}

    def read(self, body: bytes | bytearray, model: LoadedModel) -> InferenceRequest:
        """The request in `body`; raises as `read_request` does."""
        head = parsed(body)
        numbers = _taken_out(head)
        if numbers is None:
            return checked(head, body, len(body), model)
        key = _key(head)
        known = self._frames.get(key)
        if known is not None and known.judged.are_of(model) and known.fits(body, head):
            return known.read(body, numbers, head)
        for entry, data in zip(head["inputs"], numbers, strict=True):
            entry["data"] = data
        request = checked(head, body, len(body), model)
        if 0 < len(key) <= LONGEST_HEAD:
            self._remember(key, request, model, names_in(head) - ("id" in head))
        return request

    def _remember(
        self, key: bytes, request: InferenceRequest, model: LoadedModel, names: int
    ) -> None:
        if len(self._frames) >= MOST_HEADS:
            self._frames.clear()
        datatypes = {spec.name: spec.datatype for spec in model.session.inputs}
        parts = tuple(
            Part.of(name, datatypes[name], each.shape) for name, each in request.inputs.items()
        )
        bare = replace(request, inputs={}, id=None)
        self._frames[key] = Frame(bare, parts, JudgedTensors.of(model), names)


def _taken_out(head: dict[str, Any]) -> list[Any] | None:
    """The data of every input, which are not in `head` any more; None where one has none."""
    inputs = head.get("inputs")
    if type(inputs) is not list or not inputs:
        return None
    for entry in inputs:
        if type(entry) is not dict or "data" not in entry:
            return None
    return [entry.pop("data") for entry in inputs]


def _key(head: dict[str, Any]) -> bytes:
    """The JSON without its numbers and identity; nothing where it is nested too deep to write."""
    try:
        return orjson.dumps({name: value for name, value in head.items() if name != "id"})
    except orjson.JSONEncodeError:
        return b""
