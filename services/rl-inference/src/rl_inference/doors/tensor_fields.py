"""The input tensors of a request, checked against those of the model."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from rl_inference.doors.binary_tensors import read_binary
from rl_inference.doors.json_tensors import read_json
from rl_inference.doors.request_fields import name_of, parameters_of, refuse_shared_memory
from rl_inference.errors import InvalidInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rl_inference.models.loaded import LoadedModel
    from rl_inference.tensors import Tensors, TensorSpec

LARGEST_AXIS = 2**31 - 1
MOST_AXES = 16


def read_inputs(
    entries: list[dict[str, Any]], content: memoryview, model: LoadedModel
) -> dict[str, NDArray[Any]]:
    """The arrays by name: out of the entries, or out of `content`, which follows the JSON.

    Raises:
        InvalidInputError: when they are not exactly those of the model.

    """
    specs = {spec.name: spec for spec in model.session.inputs}
    inputs: dict[str, NDArray[Any]] = {}
    position = 0
    for entry in entries:
        spec = _spec(entry, specs, inputs, model)
        shape = _shape(entry, spec)
        if model.max_batch_size and shape:
            check_batch(shape[0], model)  # before a million elements are read
        size = _binary_size(entry, spec.name)
        if size is None:
            inputs[spec.name] = read_json(spec.name, spec.datatype, shape, entry.get("data"))
            continue
        part = _part(content, position, size, spec.name)
        inputs[spec.name] = read_binary(spec.name, spec.datatype, shape, part)
        position += size
    if position != len(content):
        raise InvalidInputError(
            f"unexpected {len(content) - position} bytes after the last binary tensor"
        )
    _check_complete(inputs, specs, model)
    return inputs


def row_count(inputs: Tensors) -> int:
    """The first dimension, which all inputs have in common."""
    counts = {array.shape[0] for array in inputs.values()}
    if len(counts) > 1:
        found = ", ".join(f"'{name}' has {array.shape[0]}" for name, array in inputs.items())
        raise InvalidInputError(f"inputs differ in their rows: {found}")
    rows: int = counts.pop()
    if rows == 0:
        raise InvalidInputError("the inputs hold no rows")
    return rows


def check_batch(rows: int, model: LoadedModel) -> None:
    """Refuse more rows than are computed together."""
    most = model.max_batch_size
    if rows > most:
        raise InvalidInputError(
            f"inference request batch-size must be <= {most} for '{model.name}', got {rows}"
        )


def _spec(
    entry: dict[str, Any], specs: dict[str, TensorSpec], seen: Tensors, model: LoadedModel
) -> TensorSpec:
    name = name_of(entry, "input")
    spec = specs.get(name)
    if spec is None:
        raise InvalidInputError(f"unexpected inference input '{name}' for model '{model.name}'")
    if name in seen:
        raise InvalidInputError(f"input '{name}' stands in the request more than once")
    datatype = entry.get("datatype")
    if datatype != spec.datatype:
        shown = datatype if isinstance(datatype, str) else "none"
        raise InvalidInputError(
            f"input '{name}': datatype is {shown[:16]}, the model has {spec.datatype}"
        )
    return spec


def _shape(entry: dict[str, Any], spec: TensorSpec) -> tuple[int, ...]:
    """The shape that the request gives, if the model's tensor may have it."""
    told = entry.get("shape")
    if not isinstance(told, list) or len(told) > MOST_AXES:
        raise InvalidInputError(f"input '{spec.name}': shape must be a list of numbers")
    for axis in told:
        if type(axis) is not int or not 0 <= axis <= LARGEST_AXIS:
            raise InvalidInputError(
                f"input '{spec.name}': shape must hold whole numbers of 0 to {LARGEST_AXIS}"
            )
    if 0 in told and prod(filter(None, told)) > LARGEST_AXIS:  # numpy looks past the 0
        raise InvalidInputError(f"input '{spec.name}': no array has a shape of {told}")
    shape = tuple(told)
    if not spec.fits(shape):
        raise InvalidInputError(
            f"input '{spec.name}': shape is {told}, the model expects {list(spec.shape)}"
        )
    return shape


def _binary_size(entry: dict[str, Any], name: str) -> int | None:
    """How many bytes after the JSON are the tensor's; None: it stands in the JSON."""
    if "parameters" not in entry:
        return None
    parameters = parameters_of(entry, f"input '{name}'")
    refuse_shared_memory(parameters, f"input '{name}'")
    size = parameters.get("binary_data_size")
    if size is None:
        return None
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise InvalidInputError(f"input '{name}': binary_data_size must be a number of bytes")
    if "data" in entry:
        raise InvalidInputError(f"input '{name}' has both data and binary_data_size")
    return size


def _part(content: memoryview, position: int, size: int, name: str) -> memoryview:
    part = content[position : position + size]
    if len(part) < size:
        raise InvalidInputError(
            f"input '{name}': binary_data_size is {size}, but {len(part)} bytes are left"
        )
    return part


def _check_complete(inputs: Tensors, specs: dict[str, TensorSpec], model: LoadedModel) -> None:
    if len(inputs) < len(specs):
        missing = ", ".join(f"'{name}'" for name in specs if name not in inputs)
        raise InvalidInputError(
            f"expected {len(specs)} inputs but got {len(inputs)} inputs for model"
            f" '{model.name}': missing {missing}"
        )
