"""A TorchScript model in torch, where torch is installed; the server does not need it.

TorchScript says neither names nor shapes of its tensors: they come from `config.pbtxt`, in order.
Unlike ONNX Runtime, torch does not promise a row the same last bits in every batch.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rl_inference.errors import ComputationError
from rl_inference.models.refusals import ProviderError, RefusedModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rl_inference.tensors import Tensors, TensorSpec


class TorchSession:
    """Computes a model's outputs on the CPU; numbers only.

    Raises:
        RefusedModelError: for a file that is no TorchScript, or where torch is not installed.

    """

    platform = "pytorch_libtorch"
    provider = "CPUExecutionProvider"
    __slots__ = ("_module", "_torch", "inputs", "outputs")

    def __init__(
        self, content: bytes, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]
    ) -> None:
        try:
            import torch  # noqa: PLC0415 (it is large, and optional)
        except ImportError as error:
            raise ProviderError("torch is not installed; install it, or export ONNX.") from error
        torch.set_num_threads(1)  # of the whole process: small models are slower with more
        self._torch: Any = torch
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        try:
            module = torch.jit.load(io.BytesIO(content), map_location="cpu")
        except Exception as error:  # torch raises RuntimeError, ValueError and zip errors
            raise RefusedModelError("corrupt", f"torch refuses the file: {error}") from error
        self._module: Any = module.eval()

    def run(self, inputs: Tensors, outputs: Sequence[str]) -> list[NDArray[Any]]:
        """The asked-for outputs; raises ComputationError."""
        try:
            by_name = self._computed(inputs)
            return [by_name[name] for name in outputs]
        except Exception as error:  # as above
            raise ComputationError(f"torch failed: {error}") from error

    def close(self) -> None:
        """Let go of the module; what is asked later fails."""
        self._module = None

    def _computed(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Every output by name; copies, since a model may give an input back as it is."""
        with self._torch.inference_mode():
            given = [self._torch.from_numpy(inputs[each.name].copy()) for each in self.inputs]
            found = self._module(*given)
        tensors = found if isinstance(found, tuple | list) else (found,)
        if len(tensors) != len(self.outputs):
            raise ValueError(f"{len(tensors)} outputs for {len(self.outputs)} names")
        pairs = zip(self.outputs, tensors, strict=True)
        return {each.name: tensor.numpy() for each, tensor in pairs}
