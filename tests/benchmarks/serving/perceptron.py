"""The models of the serving benchmarks: multilayer perceptrons from a seed, in ONNX."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rl_inference.models.card import ModelCard
from rl_inference.models.config_pbtxt import ModelConfig, TensorConfig
from rl_inference.models.repository import Repository

FLAT = (122, 512, 256, 201)
"""The flat network of the system that this one replaces: SERVING.md measures with it."""
WIDE = (122, 1024, 512, 256, 201)
"""The network of the INT8 goal."""
HEAVY = (122, 2048, 2048, 201)
"""One whose answer costs a multiple of refusing it: what overload is tried with."""
NAME, INPUT, OUTPUT = "perceptron", "features", "scores"
OPSET, IR_VERSION = 17, 8


def perceptron(widths: tuple[int, ...], seed: int) -> bytes:
    """`features` FP32 [rows, first width] to `scores` FP32 [rows, last width], ReLU between."""
    random = np.random.default_rng(seed)
    nodes, weights, value = [], [], INPUT
    for layer, (before, after) in enumerate(pairwise(widths)):
        matrix = random.standard_normal((before, after)) * np.sqrt(2.0 / before)
        weights.append(numpy_helper.from_array(matrix.astype(np.float32), f"weight{layer}"))
        weights.append(numpy_helper.from_array(np.zeros(after, np.float32), f"bias{layer}"))
        last = layer == len(widths) - 2
        target = OUTPUT if last else f"linear{layer}"
        nodes.append(helper.make_node("Gemm", [value, f"weight{layer}", f"bias{layer}"], [target]))
        value = f"active{layer}"
        if not last:
            nodes.append(helper.make_node("Relu", [target], [value]))
    tensors = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", width])
        for name, width in ((INPUT, widths[0]), (OUTPUT, widths[-1]))
    ]
    graph = helper.make_graph(nodes, NAME, tensors[:1], tensors[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def publish_perceptron(
    folder: Path,
    version: int,
    content: bytes,
    widths: tuple[int, ...] = FLAT,
    max_batch_size: int = 256,
) -> None:
    """Add a version of the benchmark's model to the repository in `folder`."""
    card = ModelCard(
        model=NAME,
        version=version,
        checksum=hashlib.sha256(content).hexdigest(),
        trained=False,
        synthetic=True,
    )
    config = ModelConfig(
        name=NAME,
        platform="onnxruntime_onnx",
        max_batch_size=max_batch_size,
        inputs=(TensorConfig(name=INPUT, datatype="FP32", dims=(widths[0],)),),
        outputs=(TensorConfig(name=OUTPUT, datatype="FP32", dims=(widths[-1],)),),
    )
    Repository(folder).publish(card, content, config)
