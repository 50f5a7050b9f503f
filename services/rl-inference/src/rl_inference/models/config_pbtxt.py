"""`config.pbtxt` of Triton's layout: which tensors a model takes and gives, and in what batches.

Only the part that is honoured here is read. Hints for Triton alone are accepted and left out; what
would change the answers, as an ensemble, is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from rl_inference.models.loaded import LoadedModel
from rl_inference.models.pbtxt import Entry, Message, PbtxtError, Word, quoted, read
from rl_inference.models.version_policy import VersionPolicy, read_policy, written_policy
from rl_inference.tensors import ANY, NUMPY, TensorSpec

Platform: TypeAlias = Literal["onnxruntime_onnx", "pytorch_libtorch"]
PLATFORMS: tuple[Platform, ...] = get_args(Platform)
BACKENDS: dict[str, Platform] = {"onnxruntime": PLATFORMS[0], "pytorch": PLATFORMS[1]}
MOST_ROWS = 65_536
_HINTS = {
    "default_model_filename",
    "dynamic_batching",
    "instance_group",
    "model_warmup",
    "optimization",
    "parameters",
}
_KNOWN = {"name", "platform", "backend", "max_batch_size", "version_policy", "input", "output"}
_TENSOR_KNOWN = {"name", "data_type", "dims", "reshape", "format"}


class ConfigError(ValueError):
    """A configuration that cannot be served; the message names the line where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorConfig:
    """One tensor as Triton describes it: `dims` without the dimension of the batch.

    `reshape`: the model's own dims where they differ, since Triton wants at least one; a score
    per row has `dims` (1,) and `reshape` ().
    """

    name: str
    datatype: str
    dims: tuple[int, ...]
    reshape: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """What every version of a model has in common."""

    name: str
    platform: Platform
    max_batch_size: int
    """Rows that are computed together at most; 0: the tensors have no dimension for a batch."""
    inputs: tuple[TensorConfig, ...]
    outputs: tuple[TensorConfig, ...]
    version_policy: VersionPolicy | None = field(default=None, compare=False)
    """Not compared: an operator may change it, and the versions still share their tensors."""

    def spec(self, tensor: TensorConfig) -> TensorSpec:
        """The tensor as clients see it, with the dimension of the batch."""
        dims = tensor.dims if tensor.reshape is None else tensor.reshape
        batch = (ANY,) if self.max_batch_size else ()
        return TensorSpec(tensor.name, tensor.datatype, batch + dims)


def read_config(content: bytes) -> ModelConfig:
    """The configuration in the text of a `config.pbtxt`.

    Raises:
        ConfigError: for what cannot be read or is not served here.

    """
    try:
        message = read(content)
        _require_known(message, _KNOWN | _HINTS)
        return ModelConfig(
            name=_text(message, "name", ""),
            platform=_platform(message),
            max_batch_size=_rows(message),
            inputs=_tensors(message, "input"),
            outputs=_tensors(message, "output"),
            version_policy=read_policy(_single(message, "version_policy")),
        )
    except PbtxtError as error:
        raise ConfigError(f"config.pbtxt: {error}") from error


def written(config: ModelConfig) -> str:
    """The text of a `config.pbtxt`."""
    lines = [
        f"name: {quoted(config.name)}",
        f'platform: "{config.platform}"',
        f"max_batch_size: {config.max_batch_size}",
    ]
    if config.version_policy is not None:
        lines.append(written_policy(config.version_policy))
    for side, tensors in (("input", config.inputs), ("output", config.outputs)):
        lines.append(f"{side} [")
        lines.append(",\n".join(_written_tensor(tensor) for tensor in tensors))
        lines.append("]")
    return "\n".join(lines) + "\n"


def config_of(model: LoadedModel) -> ModelConfig:
    """The configuration of a version that is live, whatever became of its file."""
    is_batched = model.max_batch_size > 0
    return ModelConfig(
        name=model.name,
        platform=next(each for each in PLATFORMS if each == model.session.platform),
        max_batch_size=model.max_batch_size,
        inputs=tuple(_tensor_of(spec, is_batched=is_batched) for spec in model.session.inputs),
        outputs=tuple(_tensor_of(spec, is_batched=is_batched) for spec in model.session.outputs),
    )


def as_json(config: ModelConfig) -> dict[str, Any]:
    """The configuration as the protocol's configuration extension shows it."""
    return {
        "name": config.name,
        "platform": config.platform,
        "backend": next(name for name, each in BACKENDS.items() if each == config.platform),
        "max_batch_size": config.max_batch_size,
        "input": [_json_tensor(tensor) for tensor in config.inputs],
        "output": [_json_tensor(tensor) for tensor in config.outputs],
    }


def _tensor_of(spec: TensorSpec, *, is_batched: bool) -> TensorConfig:
    own = spec.shape[1:] if is_batched else spec.shape
    return TensorConfig(
        name=spec.name, datatype=spec.datatype, dims=own or (1,), reshape=None if own else ()
    )


def _require_known(fields: Message, known: set[str]) -> None:
    for name, entries in fields.items():
        if name not in known:
            raise PbtxtError(f"line {entries[0].line}: `{name}` is not served here")


def _platform(message: Message) -> Platform:
    asked = _text(message, "platform", "")
    backend = _text(message, "backend", "")
    if not asked and not backend:
        raise PbtxtError("neither `platform` nor `backend` is given")
    by_backend = BACKENDS.get(backend)
    found = next((each for each in PLATFORMS if each == asked), by_backend)
    if found is None or (asked and asked != found) or (backend and by_backend != found):
        raise PbtxtError(f"platform `{asked}` with backend `{backend}` is not served here")
    return found


def _rows(message: Message) -> int:
    entry = _single(message, "max_batch_size")
    if entry is None:
        return 0
    if not isinstance(entry.value, int) or not 0 <= entry.value <= MOST_ROWS:
        raise PbtxtError(f"line {entry.line}: max_batch_size is between 0 and {MOST_ROWS}")
    return entry.value


def _tensors(message: Message, field: str) -> tuple[TensorConfig, ...]:
    entries = message.get(field, [])
    if not entries:
        raise PbtxtError(f"there is no `{field}`")
    tensors = tuple(_tensor(entry) for entry in entries)
    names = [tensor.name for tensor in tensors]
    for name, entry in zip(names, entries, strict=True):
        if names.count(name) > 1:
            raise PbtxtError(f"line {entry.line}: the {field} `{name}` is there twice")
    return tensors


def _tensor(entry: Entry) -> TensorConfig:
    if not isinstance(entry.value, dict):
        raise PbtxtError(f"line {entry.line}: a tensor is written in braces")
    _require_known(entry.value, _TENSOR_KNOWN)
    name = _text(entry.value, "name", "")
    if not name:
        raise PbtxtError(f"line {entry.line}: a tensor has no name")
    return TensorConfig(
        name=name,
        datatype=_datatype(entry),
        dims=_dims(entry.value.get("dims", []), entry.line, least=1),
        reshape=_reshape(entry.value),
    )


def _datatype(entry: Entry) -> str:
    fields = entry.value if isinstance(entry.value, dict) else {}
    found = _single(fields, "data_type")
    word = str(found.value) if found is not None else ""
    datatype = "BYTES" if word == "TYPE_STRING" else word.removeprefix("TYPE_")
    if not word.startswith("TYPE_") or datatype not in NUMPY:
        line = found.line if found is not None else entry.line
        raise PbtxtError(f"line {line}: the data_type `{word}` is not known")
    return datatype


def _reshape(fields: Message) -> tuple[int, ...] | None:
    entry = _single(fields, "reshape")
    if entry is None:
        return None
    if not isinstance(entry.value, dict) or not set(entry.value) <= {"shape"}:
        raise PbtxtError(f"line {entry.line}: a reshape has a `shape`, and nothing else")
    return _dims(entry.value.get("shape", []), entry.line, least=0)


def _dims(entries: list[Entry], line: int, *, least: int) -> tuple[int, ...]:
    values = tuple(entry.value for entry in entries)
    dims = tuple(
        value for value in values if isinstance(value, int) and (value > 0 or value == ANY)
    )
    if len(dims) != len(values) or len(dims) < least:
        raise PbtxtError(f"line {line}: dims are numbers from 1, or -1 for any length")
    return dims


def _text(fields: Message, name: str, absent: str) -> str:
    entry = _single(fields, name)
    if entry is None:
        return absent
    if not isinstance(entry.value, str) or isinstance(entry.value, Word):
        raise PbtxtError(f"line {entry.line}: `{name}` is a text in quotes")
    return entry.value


def _single(fields: Message, name: str) -> Entry | None:
    entries = fields.get(name, [])
    if len(entries) > 1:
        raise PbtxtError(f"line {entries[1].line}: `{name}` is there twice")
    return entries[0] if entries else None


def _written_tensor(tensor: TensorConfig) -> str:
    word = "STRING" if tensor.datatype == "BYTES" else tensor.datatype
    dims = ", ".join(str(length) for length in tensor.dims)
    lines = [
        f"    name: {quoted(tensor.name)}",
        f"    data_type: TYPE_{word}",
        f"    dims: [ {dims} ]",
    ]
    if tensor.reshape is not None:
        shape = ", ".join(str(length) for length in tensor.reshape)
        lines.append(f"    reshape {{ shape: [ {shape} ] }}")
    return "\n".join(["  {", *lines, "  }"])


def _json_tensor(tensor: TensorConfig) -> dict[str, Any]:
    word = "STRING" if tensor.datatype == "BYTES" else tensor.datatype
    shown: dict[str, Any] = {
        "name": tensor.name,
        "data_type": f"TYPE_{word}",
        "dims": list(tensor.dims),
    }
    if tensor.reshape is not None:
        shown["reshape"] = {"shape": list(tensor.reshape)}
    return shown
