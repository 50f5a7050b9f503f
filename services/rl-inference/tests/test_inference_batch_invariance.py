"""A model whose rows depend on their neighbours is found at its load, and asked one by one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper
from support.inference_models import config, identity, linear, onnx_file, publish
from support.inference_sessions import FAR, Asked, DoublingSession, fake_model

from rl_inference.dataplane.asking import Answer, Ask
from rl_inference.dataplane.batcher import Batcher, BatchLimits
from rl_inference.dataplane.statistics import Statistics
from rl_inference.models.batch_invariance import is_batch_invariant
from rl_inference.models.loading import LoadOptions, load
from rl_inference.models.onnx_session import OnnxSession
from rl_inference.models.repository import Repository
from rl_inference.models.untrained import PolicySizes, untrained_policy

SHAPE = ["rows", 3]


def less_the_mean_of_the_batch() -> bytes:
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[0], keepdims=1),
        helper.make_node("Sub", ["x", "mean"], ["y"]),
    ]
    return onnx_file(nodes, {"x": ("FP32", SHAPE)}, {"y": ("FP32", SHAPE)})


def dynamically_quantised() -> bytes:
    """As onnxruntime's dynamic quantisation: the scale of the inputs is that of the batch."""
    weights = np.random.default_rng(1).integers(-128, 127, (3, 3)).astype(np.int8)
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
        helper.make_node("MatMulInteger", ["q", "weights", "zero"], ["whole"]),
        helper.make_node("Cast", ["whole"], ["float"], to=1),
        helper.make_node("Mul", ["float", "scale"], ["y"]),
    ]
    return onnx_file(
        nodes,
        {"x": ("FP32", SHAPE)},
        {"y": ("FP32", SHAPE)},
        {"weights": weights},
    )


def mean_of_each_row() -> bytes:
    """Independent rows, which ONNX Runtime adds in an order that depends on their address."""
    node = helper.make_node("ReduceMean", ["x"], ["y"], axes=[1], keepdims=1)
    return onnx_file([node], {"x": ("FP32", ["n", 61])}, {"y": ("FP32", ["n", 1])})


class ByAddress(DoublingSession):
    """Adds a bit where its inputs do not begin at a boundary."""

    def run(self, inputs: Any, outputs: Any) -> list[Any]:
        found = super().run(inputs, outputs)
        if inputs["x"].ctypes.data % 16:
            return [np.nextafter(array, np.float32(9e9)) for array in found]
        return found


class FirstOfLargeBatches(DoublingSession):
    """Gives its rows other bits from the 20th on, as a kernel of tiles might."""

    def run(self, inputs: Any, outputs: Any) -> list[Any]:
        found = super().run(inputs, outputs)
        for array in found:
            array[20:] = np.nextafter(array[20:], np.float32(9e9))
        return found


class NegativeZero(DoublingSession):
    """0 alone, and -0 in company: equal numbers, and other bits."""

    def run(self, inputs: Any, outputs: Any) -> list[Any]:
        zero = 0.0 if len(inputs["x"]) == 1 else -0.0
        return [np.full_like(inputs["x"], zero) for _ in outputs]


@pytest.mark.parametrize(
    "content",
    [
        linear(),
        identity("INT64"),
        identity("BYTES"),
        identity("FP16", ["rows", "any", 2]),
        untrained_policy(PolicySizes(), 3),
    ],
)
@pytest.mark.parametrize("most", [2, 8, 1024])
def test_models_of_independent_rows_pass(content: bytes, most: int) -> None:
    assert is_batch_invariant(OnnxSession(content), most)


@pytest.mark.parametrize("most", [2, 8, 1024])
@pytest.mark.parametrize("content", [less_the_mean_of_the_batch(), dynamically_quantised()])
def test_models_of_dependent_rows_do_not(content: bytes, most: int) -> None:
    assert not is_batch_invariant(OnnxSession(content), most)


@pytest.mark.parametrize("session", [FirstOfLargeBatches(), NegativeZero(), ByAddress()])
def test_the_last_bit_counts_wherever_the_row_lies(session: DoublingSession) -> None:
    assert not is_batch_invariant(session, 1024)


def test_one_row_has_no_neighbours() -> None:
    assert is_batch_invariant(OnnxSession(less_the_mean_of_the_batch()), 1)
    assert is_batch_invariant(OnnxSession(identity("FP32", [3])), 0)


def test_what_cannot_be_computed_is_not_proven() -> None:
    node = helper.make_node("Gather", ["table", "x"], ["y"])
    table = {"table": np.array([7.0], np.float32)}
    content = onnx_file([node], {"x": ("INT64", ["n", 1])}, {"y": ("FP32", ["n", 1])}, table)
    assert not is_batch_invariant(OnnxSession(content), 8)


async def test_such_a_model_is_served_and_each_answer_is_what_it_is_alone(tmp_path: Path) -> None:
    content = less_the_mean_of_the_batch()
    publish(tmp_path, 1, content, config(outputs=("y",)))
    model = load(Repository(tmp_path), "linear", 1, LoadOptions())
    assert not model.batch_invariant
    batcher = Batcher(asyncio.get_running_loop(), Statistics(), BatchLimits())
    told: list[Any] = []
    inputs = [np.array([[number, 1, 2]] * 2, np.float32) for number in range(6)]
    for each in inputs:
        batcher.submit(
            Ask(
                model=model,
                inputs={"x": each},
                outputs=("y",),
                rows=2,
                done=told.append,
                ends_at=FAR,
            )
        )
    await batcher.drain()
    alone = [model.session.run({"x": each}, ["y"])[0] for each in inputs]
    assert all(isinstance(each, Answer) for each in told)
    assert [each.outputs[0].tobytes() for each in told] == [each.tobytes() for each in alone]


def test_the_same_numbers_have_the_same_answer_wherever_they_lie(tmp_path: Path) -> None:
    one = replace(config().outputs[0], dims=(1,))
    publish(tmp_path, 1, mean_of_each_row(), replace(config(width=61), outputs=(one,)))
    model = load(Repository(tmp_path), "linear", 1, LoadOptions())
    rows = np.random.default_rng(0).standard_normal((8, 61)).astype(np.float32)
    found = set()
    for shift in range(16):
        body = b" " * 4 * shift + rows.tobytes()
        view = np.frombuffer(body, np.float32, offset=4 * shift).reshape(rows.shape)
        found.add(model.session.run({"x": view}, ["y"])[0].tobytes())
    assert len(found) == 1


async def test_requests_of_such_a_model_are_never_merged() -> None:
    session = DoublingSession()
    model = replace(fake_model(session), batch_invariant=False)
    batcher = Batcher(asyncio.get_running_loop(), Statistics(), BatchLimits())
    asked = [Asked(model, 1), Asked(model, 2, 3), Asked(model, 4)]
    for each in asked:
        batcher.submit(each.ask)
    await batcher.drain()
    assert session.runs == [[1], [2, 3], [4]]
    assert [each.first for each in asked] == [[2], [4, 6], [8]]


def test_a_version_of_independent_rows_says_so(tmp_path: Path) -> None:
    publish(tmp_path)
    assert load(Repository(tmp_path), "linear", 1, LoadOptions()).batch_invariant
