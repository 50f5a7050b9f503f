"""Looks into an ONNX file before ONNX Runtime does: whether it is whole, and stands alone.

A tensor may name another file as its content (`external_data`), and so any file of the machine.
"""

from __future__ import annotations

from rl_inference.models.refusals import RefusedModelError
from rl_inference.models.wire import WireError, fields

_INSIDE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse",
        23: "sparse",
    },
    "sparse": {1: "tensor", 2: "tensor"},
}
"""Which fields of a message of ONNX lead to tensors, by their number in onnx.proto."""
_GRAPH = 7
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_DEEPEST = 64


def require_self_contained(content: bytes) -> None:
    """Raise for a file that is no ONNX model, or that leads to other files.

    Raises:
        RefusedModelError: `corrupt` or `external_data`.

    """
    try:
        model = memoryview(content)
        has_graph = any(number == _GRAPH for number, _ in fields(model))
        leads_away = _leads_away(model, "model", 0)
    except WireError as error:
        raise RefusedModelError("corrupt", f"The file is no ONNX model: {error}.") from error
    if not has_graph:
        raise RefusedModelError("corrupt", "The file is no ONNX model: it has no graph.")
    if leads_away:
        raise RefusedModelError(
            "external_data", "A tensor of the model lies in another file; save it as one file."
        )


def _leads_away(message: memoryview, kind: str, depth: int) -> bool:
    if depth > _DEEPEST:
        raise WireError(f"graphs are nested more than {_DEEPEST} deep")
    if kind == "tensor":
        return any(
            number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)
            for number, value in fields(message)
        )
    inside = _INSIDE[kind]
    return any(
        _leads_away(value, inside[number], depth + 1)
        for number, value in fields(message)
        if number in inside and isinstance(value, memoryview)
    )
