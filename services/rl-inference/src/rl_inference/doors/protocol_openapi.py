"""What OpenAPI says of the protocol's bodies and answers, besides the messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rl_inference.doors.protocol_schemas import (
    IndexQuestion,
    InferenceAnswerBody,
    InferenceRequestBody,
    Instructions,
    ProtocolError,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

Answers = dict[int | str, dict[str, Any]]

REFERENCE = "#/components/schemas/{model}"
BODIES: tuple[type[BaseModel], ...] = (InferenceRequestBody, IndexQuestion, Instructions)
"""Bodies that are read without pydantic, so that the framework does not know them."""
DESCRIPTIONS = {
    400: "The request does not fit the model, or cannot be read",
    401: "No valid token",
    403: "Not allowed",
    404: "No such model, version or alias is live",
    413: "The body is too large",
    415: "The content encoding is not known",
    429: "The queue is full, or too much was asked; `Retry-After` says when to come back",
    500: "The computation failed",
    503: "Known, but not ready",
    504: "The deadline passed",
}
RETRY_AFTER = {
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
}


def errors(*statuses: int) -> Answers:
    """The errors that an operation knows, and the form of any other."""
    told: Answers = {"default": {"model": ProtocolError, "description": "Any other error"}}
    for status in statuses:
        told[status] = {"model": ProtocolError, "description": DESCRIPTIONS[status]}
        if status in {429, 503}:
            told[status]["headers"] = RETRY_AFTER
    return told


ADMITTED = (401, 403, 429)
OF_MODEL = (404, 503)
BINARY = {"schema": {"type": "string", "format": "binary"}}
LENGTH: dict[str, Any] = {
    "description": "Bytes of the JSON before the binary tensors; absent where all is JSON.",
    "schema": {"type": "integer", "minimum": 0},
}
ENCODING: dict[str, Any] = {"schema": {"type": "string", "enum": ["identity", "gzip", "deflate"]}}
HEADERS = [
    {"name": "Inference-Header-Content-Length", "in": "header", **LENGTH},
    {"name": "Content-Encoding", "in": "header", **ENCODING},
]


def json_body(message: type[BaseModel], *, required: bool) -> dict[str, Any]:
    """A body in JSON of one message."""
    schema = {"$ref": REFERENCE.format(model=message.__name__)}
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": required, "content": content}}


def inference_operation(described: dict[str, Any]) -> dict[str, Any]:
    """Body and headers of an inference, beside what the path has `described`."""
    body = json_body(InferenceRequestBody, required=True)
    body["requestBody"]["description"] = (
        "JSON; or, with Inference-Header-Content-Length, JSON and binary tensors; or, where that"
        " is 0, the bytes of a model's one input."
    )
    body["requestBody"]["content"]["application/octet-stream"] = BINARY
    return body | {"parameters": [*described.get("parameters", ()), *HEADERS]}


INFERENCE_ANSWERS: Answers = {
    200: {
        "model": InferenceAnswerBody,
        "description": "The outputs; as octets where one was asked for in binary.",
        "content": {"application/octet-stream": BINARY},
        "headers": {"Inference-Header-Content-Length": LENGTH},
    },
    **errors(400, *ADMITTED, *OF_MODEL, 413, 415, 500, 504),
}
