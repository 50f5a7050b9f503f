"""Remembers what a request in JSON said beside its numbers: a client says the same every time.

The numbers are taken out and checked each time; what is left is compared as JSON, where `true` is
no 1, and not checked again where it was good for the same tensors of a model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from rl_inference.doors.inference_request import InferenceRequest, checked, identity_of, parsed
from rl_inference.doors.json_tensors import read_json
from rl_inference.doors.judged_tensors import LONGEST_HEAD, MOST_HEADS, JudgedTensors
from rl_inference.doors.names_once import names_in

if TYPE_CHECKING:
    from rl_inference.models.loaded import LoadedModel


@dataclass(frozen=True, slots=True)
class Frame:
    """What was checked, and for which tensors; `parts`: name, datatype, shape of each input."""

    request: InferenceRequest
    parts: tuple[tuple[str, str, tuple[int, ...]], ...]
    judged: JudgedTensors
    names: int
    """In the JSON, the identity's left out; more colons mean that a name may stand twice."""

    def fits(self, body: bytes | bytearray, head: dict[str, Any]) -> bool:
        """Whether nothing was lost when the body was parsed."""
        return body.count(b":") == self.names + ("id" in head)

    def read(self, numbers: list[Any], head: dict[str, Any]) -> InferenceRequest:
        """The request with these numbers and the identity in `head`."""
        known = self.request
        return InferenceRequest(
            inputs={
                name: read_json(name, datatype, shape, data)
                for (name, datatype, shape), data in zip(self.parts, numbers, strict=True)
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
            return known.read(numbers, head)
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
        parts = tuple((name, datatypes[name], each.shape) for name, each in request.inputs.items())
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
