"""The port that computes: ONNX Runtime and torch stand behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rl_inference.tensors import Tensors, TensorSpec


class Session(Protocol):
    """A model that is loaded and can compute."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    provider: str
    """What really computes, by ONNX Runtime's name: `CPUExecutionProvider`."""
    platform: str
    """By Triton's name: `onnxruntime_onnx`, `pytorch_libtorch`."""

    def run(self, inputs: Tensors, outputs: Sequence[str]) -> list[NDArray[Any]]:
        """The asked-for outputs for inputs that fit; called on the loop's thread.

        Raises:
            ComputationError: when the library fails.

        """
        ...

    def close(self) -> None:
        """Let go of memory and threads."""
        ...
