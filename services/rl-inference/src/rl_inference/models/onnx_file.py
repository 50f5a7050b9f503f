"""Looks into an ONNX file before ONNX Runtime does: is it whole, does it stand alone, in 8 bits.

A tensor may name another file as its content (`external_data`), and so any file of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rl_inference.models.refusals import RefusedModelError
from rl_inference.models.wire import WireError, fields

_INSIDE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
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
_OPERATOR = 4
_QUANTISED = re.compile(rb"Q(?:Linear|Gemm|Attention)|QuantizeLinear|DynamicQuantize|\w+Integer")
"""Begins the operators that compute in 8 bits, or make 8 bits of a float."""
_DEEPEST = 64
_MOST_FIELDS = 2_000_000
"""Two seconds of walking; a network of a hundred thousand operators has fewer."""


def require_self_contained(content: bytes) -> None:
    """Raise for a file that is no ONNX model, or that leads to other files.

    Raises:
        RefusedModelError: `corrupt` or `external_data`.

    """
    try:
        walk = _Walk()
        has_graph = any(number == _GRAPH for number, _ in walk.fields(memoryview(content)))
        leads_away = any(
            kind == "tensor" and walk.leads_away(each) for kind, each in walk.of(content)
        )
    except WireError as error:
        raise RefusedModelError("corrupt", f"The file is no ONNX model: {error}.") from error
    if not has_graph:
        raise RefusedModelError("corrupt", "The file is no ONNX model: it has no graph.")
    if leads_away:
        raise RefusedModelError(
            "external_data", "A tensor of the model lies in another file; save it as one file."
        )


def is_quantised(content: bytes) -> bool:
    """Whether an operator of the model, which is known to be sound, computes in 8 bits."""
    walk = _Walk()
    return any(kind == "node" and walk.is_quantised(each) for kind, each in walk.of(content))


class _Walk:
    """Through one file, and through no more fields than a network may have."""

    def __init__(self) -> None:
        self._left = _MOST_FIELDS

    def of(self, content: bytes) -> Iterator[tuple[str, memoryview]]:
        """Every message that may hold tensors or operators, and its kind."""
        return self._within(memoryview(content), "model", 0)

    def fields(self, message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
        """As `wire.fields`, as long as there are not too many."""
        for each in fields(message):
            self._left -= 1
            if self._left < 0:
                raise WireError(f"more than {_MOST_FIELDS} fields")
            yield each

    def leads_away(self, tensor: memoryview) -> bool:
        return any(
            number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)
            for number, value in self.fields(tensor)
        )

    def is_quantised(self, node: memoryview) -> bool:
        return any(
            number == _OPERATOR and isinstance(value, memoryview) and _QUANTISED.match(value)
            for number, value in self.fields(node)
        )

    def _within(
        self, message: memoryview, kind: str, depth: int
    ) -> Iterator[tuple[str, memoryview]]:
        if depth > _DEEPEST:
            raise WireError(f"graphs are nested more than {_DEEPEST} deep")
        yield kind, message
        inside = _INSIDE.get(kind, {})
        for number, value in self.fields(message) if inside else ():
            if number in inside and isinstance(value, memoryview):
                yield from self._within(value, inside[number], depth + 1)
