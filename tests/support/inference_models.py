"""Small ONNX models and repositories for the tests of rl-inference."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rl_inference.models.card import ModelCard
from rl_inference.models.config_pbtxt import ModelConfig, TensorConfig
from rl_inference.models.repository import Repository

OPSET, IR_VERSION = 17, 8
ELEMENTS = {
    "BOOL": TensorProto.BOOL,
    "UINT8": TensorProto.UINT8,
    "INT32": TensorProto.INT32,
    "INT64": TensorProto.INT64,
    "FP16": TensorProto.FLOAT16,
    "FP32": TensorProto.FLOAT,
    "FP64": TensorProto.DOUBLE,
    "BYTES": TensorProto.STRING,
}


def onnx_file(
    nodes: list[Any],
    inputs: dict[str, tuple[str, list[Any]]],
    outputs: dict[str, tuple[str, list[Any]]],
    weights: dict[str, np.ndarray] | None = None,
) -> bytes:
    """A model of these nodes; tensors are given as datatype and shape."""

    def values(tensors: dict[str, tuple[str, list[Any]]]) -> list[Any]:
        return [
            helper.make_tensor_value_info(name, ELEMENTS[datatype], shape)
            for name, (datatype, shape) in tensors.items()
        ]

    initializers = [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    graph = helper.make_graph(nodes, "test", values(inputs), values(outputs), initializers)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    return bytes(model.SerializeToString())


def identity(datatype: str = "FP32", shape: list[Any] | None = None) -> bytes:
    """`x` to `y`, unchanged."""
    shape = shape or ["rows", 3]
    nodes = [helper.make_node("Identity", ["x"], ["y"])]
    return onnx_file(nodes, {"x": (datatype, shape)}, {"y": (datatype, shape)})


def linear(factor: float = 2.0, width: int = 3) -> bytes:
    """`x` [n, width] to `y` = factor * x and `z` = x + factor."""
    shape = ["rows", width]
    nodes = [
        helper.make_node("Mul", ["x", "factor"], ["y"]),
        helper.make_node("Add", ["x", "factor"], ["z"]),
    ]
    weights = {"factor": np.array([factor], np.float32)}
    outputs = {"y": ("FP32", shape), "z": ("FP32", shape)}
    return onnx_file(nodes, {"x": ("FP32", shape)}, outputs, weights)


def torchscript_linear() -> bytes:
    """`linear` as TorchScript; skips the test where torch is not installed."""
    torch: Any = pytest.importorskip("torch", reason="torch is optional, and not installed")

    class Linear(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return 2 * x, x + 2

    content = io.BytesIO()
    torch.jit.save(torch.jit.trace(Linear(), torch.zeros(1, 3)), content)
    return content.getvalue()


def with_external_data(content: bytes) -> bytes:
    """The model, with its first weights said to lie in another file."""
    model = onnx.load_from_string(content)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="passwd")
    return bytes(model.SerializeToString())


def config(
    name: str = "linear",
    *,
    outputs: tuple[str, ...] = ("y", "z"),
    width: int = 3,
    max_batch_size: int = 8,
    datatype: str = "FP32",
) -> ModelConfig:
    """The configuration of `linear` and `identity`."""
    return ModelConfig(
        name=name,
        platform="onnxruntime_onnx",
        max_batch_size=max_batch_size,
        inputs=(TensorConfig(name="x", datatype=datatype, dims=(width,)),),
        outputs=tuple(TensorConfig(name=y, datatype=datatype, dims=(width,)) for y in outputs),
    )


def publish(
    root: Path,
    version: int = 1,
    content: bytes | None = None,
    configuration: ModelConfig | None = None,
    **card: Any,
) -> ModelCard:
    """Put a version into the repository at `root`, `linear` unless told otherwise."""
    content = linear() if content is None else content
    configuration = configuration or config()
    made = ModelCard(
        model=configuration.name,
        version=version,
        checksum=hashlib.sha256(content).hexdigest(),
        **{"trained": False, "synthetic": True, **card},
    )
    Repository(root).publish(made, content, configuration)
    return made
