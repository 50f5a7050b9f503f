"""Puts the inputs of several requests one below the other, in memory that is used again."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_inference.dataplane.asking import Ask
from rl_inference.tensors import ANY, NUMPY, Tensors, TensorSpec

MOST_KEPT_BYTES = 16 * 2**20
"""Larger batches get new memory each time."""


class Stack:
    """The room for one model's batches; the next batch overwrites the last.

    Datatypes and inner shapes are compared and never converted: what does not fit is an error.
    """

    __slots__ = ("_names", "_room", "_views", "uniform")

    def __init__(self, specs: Sequence[TensorSpec], most_rows: int) -> None:
        self._names = [spec.name for spec in specs]
        self.uniform = all(ANY not in spec.shape[1:] for spec in specs)
        """Whether every request has rows of the same shape."""
        self._room = _room(specs, most_rows) if self.uniform else None
        self._views: dict[int, dict[str, NDArray[Any]]] = {}

    def stacked(self, asks: Sequence[Ask], rows: int) -> Tensors:
        """The inputs of all, in order; `rows` is the sum of theirs.

        Raises:
            ValueError, TypeError, KeyError: when the inputs of one are not those of the model.

        """
        if self._room is None:
            return {
                name: np.concatenate([ask.inputs[name] for ask in asks]) for name in self._names
            }
        views = self._views.get(rows)
        if views is None:
            views = self._views[rows] = {name: room[:rows] for name, room in self._room.items()}
        for name, view in views.items():
            np.concatenate([ask.inputs[name] for ask in asks], 0, view, casting="no")
        return views


def _room(specs: Sequence[TensorSpec], most_rows: int) -> dict[str, NDArray[Any]] | None:
    if any(spec.datatype == "BYTES" for spec in specs):
        return None  # it would keep the last request's texts alive
    shapes = {spec.name: (most_rows, *spec.shape[1:]) for spec in specs}
    size = sum(prod(shapes[spec.name]) * NUMPY[spec.datatype].itemsize for spec in specs)
    if size > MOST_KEPT_BYTES:
        return None
    return {spec.name: np.empty(shapes[spec.name], NUMPY[spec.datatype]) for spec in specs}
