"""A policy network with random weights, for tests, benchmarks and a first start.

It is written without the `onnx` package, and the same seed gives the same bytes. Its card says
that it was never trained, so nothing dispatches patients by it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rl_inference.models.card import GoldenCase, ModelCard
from rl_inference.models.config_pbtxt import ModelConfig, TensorConfig
from rl_inference.models.onnx_session import OnnxSession
from rl_inference.models.repository import Repository
from rl_inference.models.trial import golden_case
from rl_inference.models.wire import field

OPSET = 17
_IR_VERSION = 8  # of opset 17's time: older runtimes read it, too
_FLOAT, _INT64 = 1, 7
_GOLDEN_ROWS = (1, 5)
TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySizes:
    """The features of the codec's rows, and the widths of the hidden layers."""

    candidate: int = 40
    context: int = 24
    hidden: tuple[int, ...] = (128, 64)
    max_batch_size: int = 1024


def publish_untrained(
    repository: Repository,
    name: str = "dispatch-policy",
    *,
    version: int = 1,
    seed: int = 0,
    codec_version: int = 1,
    sizes: PolicySizes | None = None,
) -> ModelCard:
    """Add a version with weights drawn from `seed`; gives its card.

    Raises:
        RepositoryError: when the version is there already, or has another configuration.

    """
    sizes = sizes or PolicySizes()
    content = untrained_policy(sizes, seed)
    card = ModelCard(
        model=name,
        version=version,
        kind="policy",
        checksum=hashlib.sha256(content).hexdigest(),
        codec_version=codec_version,
        trained=False,
        synthetic=True,
        seed=seed,
        golden=_golden(content, sizes, seed),
    )
    repository.publish(card, content, policy_config(name, sizes))
    return card


def policy_config(name: str, sizes: PolicySizes) -> ModelConfig:
    """The tensors of a policy: a row per candidate, the context's row repeated for each."""
    return ModelConfig(
        name=name,
        platform="onnxruntime_onnx",
        max_batch_size=sizes.max_batch_size,
        inputs=(
            TensorConfig(name="candidates", datatype="FP32", dims=(sizes.candidate,)),
            TensorConfig(name="context", datatype="FP32", dims=(sizes.context,)),
        ),
        outputs=(TensorConfig(name="scores", datatype="FP32", dims=(1,), reshape=()),),
    )


def untrained_policy(sizes: PolicySizes, seed: int) -> bytes:
    """An ONNX file: candidates [n, c] and context [n, x], both FP32, to scores [n]."""
    widths = (sizes.candidate + sizes.context, *sizes.hidden, 1)
    nodes = [_node("Concat", ["candidates", "context"], "row", _attribute("axis", 1))]
    tensors: list[bytes] = []
    random, value = np.random.default_rng(seed), "row"
    for layer, (before, after) in enumerate(pairwise(widths)):
        weights = random.standard_normal((before, after)) * np.sqrt(2.0 / before)
        bias = random.standard_normal(after) * 0.1
        tensors += [_tensor(f"weights{layer}", weights), _tensor(f"bias{layer}", bias)]
        inputs = [value, f"weights{layer}", f"bias{layer}"]
        nodes.append(_node("Gemm", inputs, f"sum{layer}"))
        value = f"sum{layer}"
        if layer < len(widths) - 2:
            nodes.append(_node("Relu", [value], f"hidden{layer}"))
            value = f"hidden{layer}"
    tensors.append(_tensor("columns", np.array([1])))
    nodes.append(_node("Squeeze", [value, "columns"], "scores"))
    graph = b"".join(field(1, node) for node in nodes) + field(2, "untrained-policy")
    graph += b"".join(field(5, tensor) for tensor in tensors)
    graph += field(11, _value("candidates", sizes.candidate))
    graph += field(11, _value("context", sizes.context)) + field(12, _value("scores"))
    opset = field(1, "") + field(2, OPSET)
    return field(1, _IR_VERSION) + field(2, "atmr") + field(7, graph) + field(8, opset)


def _golden(content: bytes, sizes: PolicySizes, seed: int) -> tuple[GoldenCase, ...]:
    session = OnnxSession(content)
    random = np.random.default_rng([seed, 1])
    cases = []
    for rows in _GOLDEN_ROWS:
        inputs = {
            "candidates": random.standard_normal((rows, sizes.candidate), dtype=np.float32),
            "context": random.standard_normal((rows, sizes.context), dtype=np.float32),
        }
        cases.append(golden_case(session, inputs, TOLERANCE))
    session.close()
    return tuple(cases)


def _node(operator: str, inputs: list[str], output: str, *attributes: bytes) -> bytes:
    written = b"".join(field(1, each) for each in inputs) + field(2, output)
    return written + field(4, operator) + b"".join(field(5, each) for each in attributes)


def _attribute(name: str, value: int) -> bytes:
    return field(1, name) + field(3, value) + field(20, 2)  # 2: of the type INT


def _tensor(name: str, values: NDArray[np.generic]) -> bytes:
    is_float = values.dtype.kind == "f"
    content = values.astype("<f4" if is_float else "<i8").tobytes()
    dims = b"".join(field(1, length) for length in values.shape)
    return dims + field(2, _FLOAT if is_float else _INT64) + field(8, name) + field(9, content)


def _value(name: str, *lengths: int) -> bytes:
    """A tensor of floats, of any number of rows."""
    dims = field(1, field(2, "rows")) + b"".join(field(1, field(1, each)) for each in lengths)
    return field(1, name) + field(2, field(1, field(1, _FLOAT) + field(2, dims)))
