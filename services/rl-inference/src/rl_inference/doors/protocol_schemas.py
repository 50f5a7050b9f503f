"""The protocol's messages for OpenAPI; the hot path reads and writes them without pydantic.

The protocol's own description is wrong in places; this one is what is answered, and tested so.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Parameter = str | int | float | bool
Datatype = Literal[
    "BOOL",
    "UINT8",
    "UINT16",
    "UINT32",
    "UINT64",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "FP16",
    "FP32",
    "FP64",
    "BYTES",
]


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
    datatype: Datatype
    shape: list[int] = Field(examples=[[-1, 122]])


class ModelMetadata(Message):
    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
    parameters: dict[str, Parameter]


class InputParameters(Message):
    model_config = ConfigDict(extra="allow")

    binary_data_size: int | None = Field(
        None, ge=0, description="Bytes of the tensor after the JSON, in the order of the inputs."
    )


class InputTensor(Message):
    name: str = Field(max_length=256)
    shape: list[Annotated[int, Field(ge=0)]] = Field(max_length=16)
    datatype: Datatype
    parameters: InputParameters | None = None
    data: list[Any] | None = Field(None, description="Flat or nested; absent where binary.")


class OutputParameters(Message):
    model_config = ConfigDict(extra="allow")

    binary_data: bool | None = None


class RequestedOutput(Message):
    name: str = Field(max_length=256)
    parameters: OutputParameters | None = None


class RequestParameters(Message):
    model_config = ConfigDict(extra="allow")

    binary_data_output: bool | None = Field(None, description="All outputs in binary.")
    priority: int | None = Field(None, ge=0, le=100, description="1 goes first; 0 is the usual.")
    timeout: int | None = Field(None, ge=0, le=600_000_000, description="Microseconds.")


class InferenceRequestBody(Message):
    id: str | None = Field(None, max_length=256)
    parameters: RequestParameters | None = None
    inputs: list[InputTensor] = Field(min_length=1, max_length=256)
    outputs: list[RequestedOutput] | None = Field(
        None, max_length=256, description="None: all of them."
    )


class AnsweredParameters(Message):
    binary_data_size: int


class OutputTensor(Message):
    """Either `data`, or bytes after the JSON."""

    name: str
    datatype: Datatype
    shape: list[int]
    parameters: AnsweredParameters | None = None
    data: list[Any] | None = Field(None, description="Flat, row-major; NaN is null.")


class InferenceAnswerBody(Message):
    id: str | None = None
    model_name: str
    model_version: str
    parameters: dict[str, Parameter]
    outputs: list[OutputTensor]


class IndexedVersion(Message):
    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE", "LOADING"]
    reason: str


class IndexQuestion(Message):
    ready: bool | None = Field(None, description="True: only versions that answer.")


class Instructions(Message):
    """Of load and unload; a request cannot bring a configuration or files."""

    parameters: dict[str, Parameter] | None = None


class ConfiguredTensor(Message):
    name: str
    data_type: str = Field(examples=["TYPE_FP32"])
    dims: list[int] = Field(description="Without the batch's dimension.")


class StringParameter(Message):
    string_value: str


class SpecificVersions(Message):
    versions: list[int]


class VersionPolicy(Message):
    specific: SpecificVersions


class ModelConfiguration(Message):
    name: str
    platform: str = Field(examples=["onnxruntime_onnx"])
    backend: str
    max_batch_size: int
    input: list[ConfiguredTensor]
    output: list[ConfiguredTensor]
    version_policy: VersionPolicy
    parameters: dict[str, StringParameter]


class Duration(Message):
    count: int
    ns: int = Field(description="Summed over the requests.")


class InferenceStatistics(Message):
    success: Duration
    fail: Duration
    queue: Duration
    compute_input: Duration
    compute_infer: Duration
    compute_output: Duration


class BatchStatistics(Message):
    batch_size: int
    compute_infer: Duration


class VersionStatistics(Message):
    name: str
    version: str
    inference_count: int = Field(description="Rows.")
    execution_count: int = Field(description="Batches.")
    inference_stats: InferenceStatistics
    batch_stats: list[BatchStatistics]


class Statistics(Message):
    model_stats: list[VersionStatistics]
