"""Reads an inference request of the Open Inference Protocol: JSON, then binary tensors if any.

Pure: bytes and a model in, checked arrays out; every refusal names the field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from rl_inference.doors.names_once import check_names
from rl_inference.doors.raw_request import read_raw
from rl_inference.doors.request_fields import (
    BATCH_LESS_ROWS,
    boolean,
    entries,
    name_of,
    parameters_of,
    refuse_shared_memory,
    text,
    whole,
)
from rl_inference.doors.tensor_fields import check_batch, read_inputs, row_count
from rl_inference.errors import InvalidInputError

if TYPE_CHECKING:
    from rl_inference.models.loaded import LoadedModel
    from rl_inference.tensors import Tensors

LONGEST_ID = 256
LONGEST_TIMEOUT_US = 600_000_000
LOWEST_PRIORITY = 100
USUAL_PRIORITY = 2
"""Triton's scale: 1 goes first, larger numbers later; 0, or none, is the usual level."""
UNSUPPORTED = ("sequence_id", "sequence_start", "sequence_end")


@dataclass(slots=True, kw_only=True)
class InferenceRequest:
    """What was asked, fit for the model; `binary` says for each output how it is wanted.

    Not frozen: that would cost a microsecond in each of many thousand requests a second.
    """

    inputs: Tensors
    outputs: tuple[str, ...]
    binary: tuple[bool, ...]
    rows: int
    id: str | None = None
    timeout_s: float | None = None
    priority: int = 0
    """Larger goes first, as in `Ask`."""


def read_request(
    body: bytes | bytearray, header_length: bytes | None, model: LoadedModel
) -> InferenceRequest:
    """The request in `body`, whose JSON is as long as `Inference-Header-Content-Length` says.

    Raises:
        InvalidInputError: naming what is wrong.

    """
    length = _header_length(header_length, len(body))
    if length == 0 and header_length is not None:
        return _raw_request(body, model)
    content = memoryview(body)
    return checked(parsed(content[:length]), body, length, model)


def checked(
    head: dict[str, Any], body: bytes | bytearray, length: int, model: LoadedModel
) -> InferenceRequest:
    """The request of the JSON `head`, `length` bytes of the body; raises InvalidInputError."""
    check_names(body, length, head)
    parameters = parameters_of(head, "request")
    _check_parameters(parameters)
    inputs = read_inputs(entries(head, "inputs"), memoryview(body)[length:], model)
    outputs, binary = _outputs(head, parameters, model)
    return InferenceRequest(
        inputs=inputs,
        outputs=outputs,
        binary=binary,
        rows=_rows(inputs, model),
        id=identity_of(head),
        timeout_s=_timeout_s(parameters) if parameters else None,
        priority=_priority(parameters) if parameters else 0,
    )


def _raw_request(body: bytes | bytearray, model: LoadedModel) -> InferenceRequest:
    """One tensor and nothing else; its outputs come back in binary."""
    inputs = read_raw(memoryview(body), model)
    names = tuple(spec.name for spec in model.session.outputs)
    return InferenceRequest(
        inputs=inputs, outputs=names, binary=(True,) * len(names), rows=_rows(inputs, model)
    )


def _header_length(told: bytes | None, body_length: int) -> int:
    if told is None:
        return body_length
    if not told.isdigit() or len(told) > len(str(body_length)) or int(told) > body_length:
        shown = told[:24].decode("latin-1")
        raise InvalidInputError(
            f"Inference-Header-Content-Length {shown!r} is no number of bytes of the body,"
            f" which has {body_length}"
        )
    return int(told)


def identity_of(head: dict[str, Any]) -> str | None:
    """What the client calls the request; raises InvalidInputError."""
    return text(head, "id", LONGEST_ID)


def parsed(head: bytes | bytearray | memoryview) -> dict[str, Any]:
    """The JSON object in `head`; raises InvalidInputError."""
    try:
        value = orjson.loads(head)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(f"failed to parse the request as JSON: {error}") from error
    if not isinstance(value, dict):
        raise InvalidInputError("the request must be a JSON object")
    return value


def _check_parameters(parameters: dict[str, Any]) -> None:
    for name in UNSUPPORTED if parameters else ():
        if parameters.get(name):
            raise InvalidInputError(f"parameter '{name}' is not supported: models keep no state")


def _outputs(
    head: dict[str, Any], parameters: dict[str, Any], model: LoadedModel
) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """Names of the outputs asked for, and which of them are wanted in binary."""
    usual = boolean(parameters, "binary_data_output", "request")
    known = tuple(spec.name for spec in model.session.outputs)
    if not head.get("outputs"):
        if head.get("outputs", []) != []:
            raise InvalidInputError("outputs must be a list")
        return known, (usual,) * len(known)
    wanted: dict[str, bool] = {}
    for entry in entries(head, "outputs"):
        name = name_of(entry, "output")
        if name not in known:
            raise InvalidInputError(f"unexpected inference output '{name}' for '{model.name}'")
        if name in wanted:
            raise InvalidInputError(f"output '{name}' is asked for more than once")
        wanted[name] = _binary(entry, name, usual=usual)
    return tuple(wanted), tuple(wanted.values())


def _binary(entry: dict[str, Any], name: str, *, usual: bool) -> bool:
    if "parameters" not in entry:
        return usual
    parameters = parameters_of(entry, f"output '{name}'")
    if parameters.get("classification"):
        raise InvalidInputError(f"output '{name}': classification is not supported")
    refuse_shared_memory(parameters, f"output '{name}'")
    return boolean(parameters, "binary_data", f"output '{name}'", usual=usual)


def _rows(inputs: Tensors, model: LoadedModel) -> int:
    """The rows of the request; a model without batches has one."""
    if model.max_batch_size == 0:
        return BATCH_LESS_ROWS
    rows = row_count(inputs)
    check_batch(rows, model)
    return rows


def _timeout_s(parameters: dict[str, Any]) -> float | None:
    told = whole(parameters, "timeout", LONGEST_TIMEOUT_US)
    return told / 1_000_000 if told else None


def _priority(parameters: dict[str, Any]) -> int:
    told = whole(parameters, "priority", LOWEST_PRIORITY)
    return USUAL_PRIORITY - told if told else 0
