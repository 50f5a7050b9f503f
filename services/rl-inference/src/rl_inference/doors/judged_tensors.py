"""The tensors of a model that a request was checked against once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rl_inference.models.loaded import LoadedModel
    from rl_inference.tensors import TensorSpec

LONGEST_HEAD = 2048
"""Bytes of JSON; a longer one costs more to remember than it is likely to save."""
MOST_HEADS = 256


@dataclass(frozen=True, slots=True)
class JudgedTensors:
    """What decides whether a request is good; it holds on to no model."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    max_batch_size: int

    @classmethod
    def of(cls, model: LoadedModel) -> JudgedTensors:
        """Those of a model."""
        return cls(model.session.inputs, model.session.outputs, model.max_batch_size)

    def are_of(self, model: LoadedModel) -> bool:
        """Whether the same request means the same for `model`."""
        session = model.session
        return (
            session.inputs is self.inputs
            and session.outputs is self.outputs
            and model.max_batch_size == self.max_batch_size
        )
