"""The model of the serving benchmark: a multilayer perceptron from a seed, in ONNX."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTHS = (122, 512, 256, 201)
"""The flat network of the system that this one replaces: SERVING.md measures with it."""
OPSET = 17


def write_perceptron(path: Path, widths: tuple[int, ...] = WIDTHS, seed: int = 0) -> None:
    """Write a network from `state` FP32 [batch, 122] to `scores` FP32 [batch, 201] with ReLU."""
    random = np.random.default_rng(seed)
    nodes, weights = [], []
    for layer, (inputs, outputs) in enumerate(pairwise(widths)):
        matrix = random.normal(0.0, np.sqrt(2.0 / inputs), (inputs, outputs)).astype(np.float32)
        weights += [
            numpy_helper.from_array(matrix, f"weight{layer}"),
            numpy_helper.from_array(np.zeros(outputs, np.float32), f"bias{layer}"),
        ]
        last = layer == len(widths) - 2
        source = "state" if layer == 0 else f"active{layer - 1}"
        target = "scores" if last else f"linear{layer}"
        nodes.append(helper.make_node("Gemm", [source, f"weight{layer}", f"bias{layer}"], [target]))
        if not last:
            nodes.append(helper.make_node("Relu", [target], [f"active{layer}"]))
    graph = helper.make_graph(
        nodes,
        "perceptron",
        [helper.make_tensor_value_info("state", TensorProto.FLOAT, ["batch", widths[0]])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", widths[-1]])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
