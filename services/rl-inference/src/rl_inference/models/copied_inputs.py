"""A session whose inputs always lie alike in memory, for models that are not batch invariant.

Where requests come as bytes, their numbers lie anywhere; with some kernels the last bits depend on
that. A copy begins at a boundary, so the same request has the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from rl_inference.models.session import Session
from rl_inference.tensors import Tensors


class CopiedInputs:
    """The session `inner`, asked with copies."""

    __slots__ = ("_inner", "inputs", "outputs", "platform", "provider")

    def __init__(self, inner: Session) -> None:
        self._inner = inner
        self.inputs = inner.inputs
        self.outputs = inner.outputs
        self.provider = inner.provider
        self.platform = inner.platform

    def run(self, inputs: Tensors, outputs: Sequence[str]) -> list[NDArray[Any]]:
        return self._inner.run({name: array.copy() for name, array in inputs.items()}, outputs)

    def close(self) -> None:
        self._inner.close()
