"""The protocol's messages for OpenAPI; the hot path reads and writes them without pydantic."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Parameter = str | int | float | bool


class Message(BaseModel):
    """Base of the protocol's messages."""

    model_config = ConfigDict(protected_namespaces=(), title=None)


class ProtocolError(Message):
    error: str = Field(examples=["Request for unknown model: 'pricing' is not found"])


class ServerMetadata(Message):
    name: str
    version: str
    extensions: list[str]


class ServerLive(Message):
    live: bool


class ServerReady(Message):
    ready: bool


class ModelReady(Message):
    name: str
    ready: bool


class TensorMetadata(Message):
    name: str
    datatype: str = Field(examples=["FP32"])
    shape: list[int] = Field(examples=[[-1, 122]])


class ModelMetadata(Message):
    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
    parameters: dict[str, Parameter]


class InputTensor(Message):
    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, Parameter] | None = None
    data: list[Any] | None = Field(None, description="Flat or nested; absent where binary.")


class RequestedOutput(Message):
    name: str
    parameters: dict[str, Parameter] | None = None


class InferenceRequestBody(Message):
    id: str | None = None
    parameters: dict[str, Parameter] | None = None
    inputs: list[InputTensor] = Field(min_length=1)
    outputs: list[RequestedOutput] | None = None


class OutputTensor(Message):
    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, Parameter] | None = None
    data: list[Any] | None = None


class InferenceAnswerBody(Message):
    id: str | None = None
    model_name: str
    model_version: str
    parameters: dict[str, Parameter]
    outputs: list[OutputTensor]


class IndexedVersion(Message):
    name: str
    version: str
    state: str = Field(examples=["READY", "UNAVAILABLE", "LOADING"])
    reason: str


ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProtocolError, "description": description}
    for status, description in {
        400: "The request does not fit the model, or cannot be read",
        401: "No valid token",
        403: "Not allowed",
        404: "No such model, version or alias is live",
        413: "The body is too large",
        415: "The content encoding is not known",
        429: "The queue is full; `Retry-After` says when to come back",
        500: "The computation failed",
        503: "Known, but not ready",
        504: "The deadline passed",
    }.items()
}
BINARY = {"schema": {"type": "string", "format": "binary"}}
INFERENCE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "JSON; or, with Inference-Header-Content-Length, JSON and binary tensors.",
        "content": {
            "application/json": {"schema": InferenceRequestBody.model_json_schema()},
            "application/octet-stream": BINARY,
        },
    }
}
INFERENCE_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": InferenceAnswerBody,
        "description": "The outputs; as octets where one was asked for in binary.",
        "content": {"application/octet-stream": BINARY},
    },
    **ERRORS,
}
