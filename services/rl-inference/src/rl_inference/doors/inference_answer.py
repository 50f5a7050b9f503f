"""Writes an inference answer of the Open Inference Protocol: JSON, then binary tensors if any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from rl_inference.doors.binary_tensors import write_binary
from rl_inference.doors.content_encoding import SMALLEST, packed
from rl_inference.doors.http_answer import JSON, OCTETS, HttpAnswer
from rl_inference.doors.json_tensors import write_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rl_inference.dataplane.asking import Answer
    from rl_inference.doors.inference_request import InferenceRequest
    from rl_inference.models.loaded import LoadedModel
    from rl_inference.tensors import TensorSpec

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
    outputs = []
    for name, binary, array in zip(request.outputs, request.binary, answer.outputs, strict=True):
        spec = specs[name]
        if binary:
            tensors.append(write_binary(spec.datatype, array))
            outputs.append(
                _described(spec, array) | {"parameters": {"binary_data_size": len(tensors[-1])}}
            )
        else:
            outputs.append(
                _described(spec, array) | {"data": write_json(name, spec.datatype, array)}
            )
    head = orjson.dumps(_head(answer.model, request.id, outputs), option=orjson.OPT_SERIALIZE_NUMPY)
    return head, tensors


def _head(model: LoadedModel, request_id: str | None, outputs: list[Any]) -> dict[str, Any]:
    """What computed it stands in the parameters: nothing falls back in silence."""
    parameters = {"provider": model.session.provider}
    if model.degraded is not None:
        parameters["degraded"] = model.degraded
    identity = {"id": request_id} if request_id is not None else {}
    return identity | {
        "model_name": model.name,
        "model_version": str(model.version),
        "parameters": parameters,
        "outputs": outputs,
    }


def _described(spec: TensorSpec, array: NDArray[Any]) -> dict[str, Any]:
    return {"name": spec.name, "datatype": spec.datatype, "shape": list(array.shape)}
