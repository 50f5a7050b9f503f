"""A model in ONNX Runtime: one thread that never spins, and the provider that was asked for.

ONNX Runtime falls back from CUDA to the CPU without a word, when it loads and when it runs; both
ways are closed here, so that what computes is what is said to compute.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from rl_inference.errors import ComputationError
from rl_inference.models.onnx_file import require_self_contained
from rl_inference.models.refusals import ProviderError, RefusedModelError
from rl_inference.models.strings import as_bytes, as_text
from rl_inference.tensors import ANY, TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rl_inference.tensors import Tensors

CPU = "CPUExecutionProvider"
DATATYPES = {
    "tensor(bool)": "BOOL",
    "tensor(uint8)": "UINT8",
    "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64",
    "tensor(int8)": "INT8",
    "tensor(int16)": "INT16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
}
"""The protocol's words for ONNX Runtime's."""


class OnnxSession:
    """Computes a model's outputs; BYTES tensors hold `bytes`, and UTF-8 for the model.

    `provider` is what ONNX Runtime says that it uses. With `allow_degraded` the CPU may stand in
    for a provider that is not there; whoever asks compares `provider` with `providers[0]`.

    Raises:
        RefusedModelError: for a file that is no sound model, or a provider that is not there.

    """

    platform = "onnxruntime_onnx"
    __slots__ = ("_inner", "_strings", "inputs", "outputs", "provider")

    def __init__(
        self, content: bytes, providers: Sequence[str] = (CPU,), *, allow_degraded: bool = False
    ) -> None:
        require_self_contained(content)
        self._inner: Any = _opened(content, providers, allow_degraded=allow_degraded)
        self.provider: str = self._inner.get_providers()[0]
        self.inputs = _specs(self._inner.get_inputs)
        self.outputs = _specs(self._inner.get_outputs)
        self._strings = any(each.datatype == "BYTES" for each in self.inputs + self.outputs)

    def run(self, inputs: Tensors, outputs: Sequence[str]) -> list[NDArray[Any]]:
        """The asked-for outputs; raises ComputationError."""
        try:
            if self._strings:
                return self._run_strings(inputs, outputs)
            found: list[NDArray[Any]] = self._inner.run(outputs, inputs)
        except Exception as error:  # ONNX Runtime's errors have no class in common
            raise ComputationError(f"ONNX Runtime failed: {error}") from error
        return found

    def close(self) -> None:
        """Let go of ONNX Runtime's session; what is asked later fails."""
        self._inner = None

    def _run_strings(self, inputs: Tensors, outputs: Sequence[str]) -> list[NDArray[Any]]:
        given = {name: as_text(array) for name, array in inputs.items()}
        return [as_bytes(np.asarray(each)) for each in self._inner.run(outputs, given)]


def _opened(content: bytes, providers: Sequence[str], *, allow_degraded: bool) -> Any:
    """ONNX Runtime's session on the first provider; on a later one where it may be degraded."""
    try:
        return _on_first(content, providers)
    except ProviderError:
        if not allow_degraded:
            raise
    left = tuple(providers[1:]) or (CPU,)
    return _opened(content, left, allow_degraded=left != (CPU,))


def _on_first(content: bytes, providers: Sequence[str]) -> Any:
    available = onnxruntime.get_available_providers()
    if providers[0] not in available:
        raise ProviderError(f"{providers[0]} is not there; there are {', '.join(available)}.")
    inner = _session(content, [each for each in providers if each in available])
    if inner.get_providers()[0] != providers[0]:
        raise ProviderError(f"{providers[0]} did not start; ONNX Runtime fell back.")
    return inner


def _session(content: bytes, providers: Sequence[str]) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.add_session_config_entry("session.load_model_format", "ONNX")  # what was looked into
    options.log_severity_level = 4  # what fails is raised; a line for each would flood the log
    try:
        inner = onnxruntime.InferenceSession(
            content, options, providers=list(providers), enable_fallback=0
        )
        inner.disable_fallback()  # while it runs; the argument is for the start
        inner._model_bytes = None  # noqa: SLF001 (the file again, kept for that fallback alone)
    except Exception as error:  # as above
        if providers[0] != CPU and _opens_on_the_cpu(content):
            raise ProviderError(f"{providers[0]} did not start: {error}") from error
        raise RefusedModelError("corrupt", f"ONNX Runtime refuses it: {error}") from error
    return inner


def _opens_on_the_cpu(content: bytes) -> bool:
    """Whether the model itself is sound, so that the provider is at fault."""
    try:
        _session(content, [CPU])
    except RefusedModelError:
        return False
    return True


def _specs(tensors: Callable[[], list[Any]]) -> tuple[TensorSpec, ...]:
    try:
        return tuple(_spec(tensor) for tensor in tensors())
    except UnicodeDecodeError as error:
        raise RefusedModelError("corrupt", "A name in the file is no UTF-8.") from error


def _spec(tensor: Any) -> TensorSpec:
    datatype = DATATYPES.get(tensor.type)
    if datatype is None:
        raise RefusedModelError(
            "signature_mismatch", f"{tensor.name} is a {tensor.type}, which is not served here."
        )
    shape = tuple(length if isinstance(length, int) else ANY for length in tensor.shape)
    return TensorSpec(tensor.name, datatype, shape)
