"""Writes an inference answer of the Open Inference Protocol: JSON, then binary tensors if any."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import orjson

from rl_inference.doors.binary_tensors import write_binary
from rl_inference.doors.content_encoding import SMALLEST, packed
from rl_inference.doors.http_answer import JSON, OCTETS, HttpAnswer
from rl_inference.doors.json_tensors import write_json

if TYPE_CHECKING:
    from rl_inference.dataplane.asking import Answer
    from rl_inference.doors.inference_request import InferenceRequest

NUMBERS = orjson.OPT_SERIALIZE_NUMPY
OK = 200
HEADER_LENGTH = b"inference-header-content-length"


def write_answer(answer: Answer, request: InferenceRequest, encoding: str | None) -> HttpAnswer:
    """The answer to `request`, packed where the client asked for it and it is worth it.

    Raises:
        InvalidInputError: when an output cannot be written the way it was asked for.

    """
    head, tensors = inference_parts(answer, request)
    body = b"".join([head, *tensors]) if tensors else head
    media_type = OCTETS if tensors else JSON
    packs = encoding is not None and len(body) >= SMALLEST
    written = HttpAnswer.of(OK, packed(body, encoding) if packs and encoding else body, media_type)
    if tensors:
        written.headers.append((HEADER_LENGTH, b"%d" % len(head)))
    if packs and encoding:
        written.headers.append((b"content-encoding", encoding.encode()))
    return written


def inference_parts(answer: Answer, request: InferenceRequest) -> tuple[bytes, list[bytes]]:
    """The JSON, and the bytes of each output that was asked for in binary."""
    specs = {spec.name: spec for spec in answer.model.session.outputs}
    tensors: list[bytes] = []
    outputs: list[bytes] = []
    for name, binary, array in zip(request.outputs, request.binary, answer.outputs, strict=True):
        datatype = specs[name].datatype
        described = _described(name, datatype, array.shape)
        if binary:
            tensors.append(write_binary(datatype, array))
            outputs.append(described % (b'"parameters":{"binary_data_size":%d}' % len(tensors[-1])))
        else:
            values = orjson.dumps(write_json(name, datatype, array), option=NUMBERS)
            outputs.append(described % (b'"data":' + values))
    model = answer.model
    head = _head(model.name, model.version, model.session.provider, model.degraded)
    identity = b'"id":' + orjson.dumps(request.id) + b"," if request.id is not None else b""
    return b"".join((b"{", identity, head, b",".join(outputs), b"]}")), tensors


@lru_cache(maxsize=256)
def _head(name: str, version: int, provider: str, degraded: str | None) -> bytes:
    """What computed it stands in the parameters: nothing falls back in silence."""
    parameters = {"provider": provider}
    if degraded is not None:
        parameters["degraded"] = degraded
    head = {"model_name": name, "model_version": str(version), "parameters": parameters}
    return orjson.dumps(head | {"outputs": []})[len(b"{") : -len(b"]}")]


@lru_cache(maxsize=1024)
def _described(name: str, datatype: str, shape: tuple[int, ...]) -> bytes:
    """An output, with a place for its data or for what says where they are."""
    entry = orjson.dumps({"name": name, "datatype": datatype, "shape": shape})
    return entry.replace(b"%", b"%%")[: -len(b"}")] + b",%b}"
