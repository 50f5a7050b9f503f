"""Sessions and requests for the tests of the data plane, without files or ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rl_inference.dataplane.asking import Answer, Ask
from rl_inference.errors import ComputationError, DataPlaneError
from rl_inference.models.card import ModelCard
from rl_inference.models.loaded import LoadedModel
from rl_inference.models.session import Session
from rl_inference.tensors import Tensors, TensorSpec

POISON = -666.0
FAR = 1e12
"""A deadline that never passes."""


class DoublingSession:
    """`y` = 2 x, `z` = x + 1; a batch with POISON in it fails. Notes the rows of each run."""

    provider = "CPUExecutionProvider"
    platform = "onnxruntime_onnx"

    def __init__(self, shape: tuple[int, ...] = (-1, 2)) -> None:
        self.inputs: tuple[TensorSpec, ...] = (TensorSpec("x", "FP32", shape),)
        self.outputs: tuple[TensorSpec, ...] = (
            TensorSpec("y", "FP32", shape),
            TensorSpec("z", "FP32", shape),
        )
        self.runs: list[list[float]] = []
        self.asked: list[tuple[str, ...]] = []
        self.closed = False

    def run(self, inputs: Tensors, outputs: Sequence[str]) -> list[Any]:
        x = inputs["x"]
        self.runs.append([float(row) for row in x.reshape(len(x), -1)[:, 0]])
        self.asked.append(tuple(outputs))
        if np.any(x == POISON):
            raise ComputationError("poison")
        computed = {"y": x * 2, "z": x + 1}
        return [computed[name] for name in outputs]

    def close(self) -> None:
        self.closed = True


def fake_model(
    session: Session | None = None, *, version: int = 1, max_batch_size: int = 8
) -> LoadedModel:
    """A loaded model named `fake`."""
    card = ModelCard(
        model="fake", version=version, checksum="0" * 64, trained=False, synthetic=True
    )
    return LoadedModel(
        name="fake",
        version=version,
        card=card,
        session=session or DoublingSession(),
        max_batch_size=max_batch_size,
    )


class Asked:
    """A request, and what it was told."""

    def __init__(
        self,
        model: LoadedModel,
        *values: float,
        outputs: tuple[str, ...] = ("y",),
        ends_at: float = FAR,
        priority: int = 0,
        order: list[Asked] | None = None,
        width: int = 2,
    ) -> None:
        self.outcomes: list[Answer | DataPlaneError] = []
        self._order = order
        self.ask = Ask(
            model=model,
            inputs={"x": np.repeat(np.array(values, np.float32)[:, None], width, axis=1)},
            outputs=outputs,
            rows=len(values),
            done=self._done,
            ends_at=ends_at,
            priority=priority,
        )

    def _done(self, outcome: Answer | DataPlaneError) -> None:
        self.outcomes.append(outcome)
        if self._order is not None:
            self._order.append(self)

    @property
    def outcome(self) -> Answer | DataPlaneError:
        """The one thing that it was told."""
        (only,) = self.outcomes
        return only

    @property
    def first(self) -> list[float]:
        """The first column of the first output."""
        assert isinstance(self.outcome, Answer), self.outcome
        return [float(value) for value in self.outcome.outputs[0][:, 0]]
