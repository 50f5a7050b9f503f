"""A small data plane for tests of the doors: real messages, models that are functions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_inference.dataplane.asking import Answer, Ask, Batch
from rl_inference.errors import DataPlaneError, InvalidInputError, NotReadyError, UnknownModelError
from rl_inference.models.card import ModelCard
from rl_inference.models.loaded import LoadedModel
from rl_inference.models.session import Session
from rl_inference.tensors import ANY, Tensors, TensorSpec

CHAMPION = 3
Compute = Callable[[Tensors], dict[str, NDArray[Any]]]


@dataclass
class FunctionSession:
    """A session that calls a function."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    compute: Compute
    provider: str = "CPUExecutionProvider"
    platform: str = "onnxruntime_onnx"

    def run(self, inputs: Tensors, outputs: Sequence[str]) -> list[NDArray[Any]]:
        computed = self.compute(inputs)
        return [computed[name] for name in outputs]

    def close(self) -> None:
        pass


def a_model(name: str, session: Session, *, rows: int = 64, **card: Any) -> LoadedModel:
    about = ModelCard(
        model=name, version=CHAMPION, checksum="0" * 64, trained=False, synthetic=True, **card
    )
    return LoadedModel(
        name=name, version=CHAMPION, card=about, session=session, max_batch_size=rows
    )


def adder() -> LoadedModel:
    """Two matrices of three columns; their sum, and the sums of the rows."""
    matrix = [TensorSpec(name, "FP32", (ANY, 3)) for name in ("left", "right", "sum")]
    totals = TensorSpec("totals", "FP64", (ANY,))

    def compute(inputs: Tensors) -> dict[str, NDArray[Any]]:
        added = inputs["left"] + inputs["right"]
        return {"sum": added, "totals": added.sum(axis=1, dtype=np.float64)}

    return a_model("adder", FunctionSession((matrix[0], matrix[1]), (matrix[2], totals), compute))


def identity(datatype: str, *, name: str | None = None) -> LoadedModel:
    """One vector a row, given back."""
    spec = TensorSpec("in", datatype, (ANY, 2))
    session = FunctionSession((spec,), (replace(spec, name="out"),), lambda i: {"out": i["in"]})
    return a_model(name or f"identity-{datatype.lower()}", session)


def policy() -> LoadedModel:
    """Four features and two of context; the score is their sum."""
    inputs = TensorSpec("candidates", "FP32", (ANY, 4)), TensorSpec("context", "FP32", (ANY, 2))

    def compute(rows: Tensors) -> dict[str, NDArray[Any]]:
        return {"scores": rows["candidates"].sum(axis=1) + rows["context"].sum(axis=1)}

    session = FunctionSession(inputs, (TensorSpec("scores", "FP32", (ANY,)),), compute)
    return a_model("dispatch-policy", session, kind="policy", codec_version=1)


def delays() -> LoadedModel:
    """Three features; quantiles around the first, and a probability."""
    outputs = (
        TensorSpec("delay_s", "FP32", (ANY, 3)),
        TensorSpec("late_probability", "FP32", (ANY,)),
    )

    def compute(rows: Tensors) -> dict[str, NDArray[Any]]:
        first = rows["rows"][:, :1]
        late = np.full(len(first), 0.25, dtype=np.float32)
        return {"delay_s": first + np.array([[-1, 0, 1]], np.float32), "late_probability": late}

    session = FunctionSession((TensorSpec("rows", "FP32", (ANY, 3)),), outputs, compute)
    levels: dict[str, Any] = {"levels": (0.1, 0.5, 0.9), "calibrated": True}
    return a_model("delay-risk", session, kind="delay_risk", feature_version=2, **levels)


@dataclass
class Entry:
    name: str
    version: int | None
    state: str = "READY"
    reason: str = ""


@dataclass
class BatchCounts:
    count: int = 1
    compute_ns: int = 30


@dataclass
class Counts:
    inference_count: int = 0
    execution_count: int = 0
    success_count: int = 0
    success_ns: int = 0
    fail_count: int = 0
    fail_ns: int = 0
    queue_ns: int = 0
    input_ns: int = 0
    compute_ns: int = 0
    output_ns: int = 0
    batches: dict[int, BatchCounts] = field(default_factory=dict)


class FakePlane:
    """Answers in the next tick; `holding`, not before `release`."""

    def __init__(self, *models: LoadedModel) -> None:
        served = models or (adder(), policy(), delays(), identity("BYTES"))
        self.models = {model.name: model for model in served}
        self.entries = [Entry(name, CHAMPION) for name in self.models]
        self.entries.append(Entry("adder", 4, "UNAVAILABLE", "checksum_mismatch"))
        self.counts = Counts(inference_count=5, batches={5: BatchCounts()})
        self.failing: dict[str, DataPlaneError] = {}
        self.refusing: DataPlaneError | None = None
        self.answering: DataPlaneError | None = None
        self.holding = False
        self.asked: list[Ask] = []
        self.submitted_at = 0.0
        self.arrived = asyncio.Event()
        self.changes: list[str] = []

    @property
    def registry(self) -> FakePlane:
        return self

    @property
    def statistics(self) -> FakePlane:
        return self

    def model(self, name: str, version: int | None = None, alias: str | None = None) -> LoadedModel:
        if name in self.failing:
            raise self.failing[name]
        if (
            name not in self.models
            or version not in {None, CHAMPION}
            or alias not in {None, "champion"}
        ):
            raise UnknownModelError(f"'{name}' is not found")
        return self.models[name]

    def submit(self, ask: Ask) -> None:
        self.asked.append(ask)
        self.submitted_at = asyncio.get_running_loop().time()
        self.arrived.set()
        if self.refusing is not None:
            raise self.refusing
        ask.asked_at = self.submitted_at
        if not self.holding:
            asyncio.get_running_loop().call_soon(self._answer, ask)

    def release(self) -> None:
        """Answer what waits."""
        self.holding = False
        for ask in self.asked:
            self._answer(ask)

    def snapshot(
        self, name: str | None = None, version: int | None = None
    ) -> Iterable[tuple[str, int, Counts]]:
        return [
            (each, CHAMPION, self.counts)
            for each in self.models
            if name in {None, each} and version in {None, CHAMPION}
        ]

    def index(self) -> list[Entry]:
        return self.entries

    async def load(self, name: str) -> None:
        if name == "corrupt":
            raise NotReadyError("failed to load 'corrupt', version 3: checksum_mismatch")
        self.model(name)
        self.changes.append(f"load {name}")

    async def unload(self, name: str) -> None:
        self.changes.append(f"unload {name}")

    def _answer(self, ask: Ask) -> None:
        if ask.cancelled:
            return
        try:
            outputs = ask.model.session.run(ask.inputs, ask.outputs)
        except TypeError as error:
            ask.done(InvalidInputError(str(error)))
            return
        batch = Batch(rows=5, compute_s=0.25)
        ask.done(self.answering or Answer(model=ask.model, outputs=outputs, batch=batch))
