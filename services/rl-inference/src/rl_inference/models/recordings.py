"""Recorded states: the inputs that a model was asked for, and which rows belong together.

A file of numpy's `.npz` holds an array for each input of the model, and `state`, a number for each
row: rows of the same number, one after the other, are the candidates of one state.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_inference.tensors import NUMPY, Tensors, TensorSpec

STATE = "state"


class RecordingsError(Exception):
    """The file does not hold what the model takes."""


@dataclass(frozen=True, slots=True)
class Recordings:
    """`inputs` with the rows of all states; state i has the rows `bounds[i]` to `bounds[i + 1]`."""

    inputs: Tensors
    bounds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def part(self, first: int, last: int) -> Recordings:
        """The states `first` to `last`, the last one not included."""
        rows = slice(self.bounds[first], self.bounds[last])
        inputs = {name: array[rows] for name, array in self.inputs.items()}
        return Recordings(inputs, self.bounds[first : last + 1] - self.bounds[first])

    def state(self, number: int) -> Tensors:
        """The rows of one state."""
        return self.part(number, number + 1).inputs


def read_recordings(path: Path, specs: Sequence[TensorSpec], *, grouped: bool) -> Recordings:
    """The states in the file; without `state`, each row is one, unless they have to be `grouped`.

    Raises:
        RecordingsError: when tensors, shapes, datatypes or numbers are not what the model takes.

    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise RecordingsError(f"{path} cannot be read: {error}") from error
    inputs = {spec.name: _checked(path, spec, arrays) for spec in specs}
    rows = {len(array) for array in inputs.values()}
    if len(rows) != 1 or rows == {0}:
        raise RecordingsError(f"{path}: the inputs have {sorted(rows)} rows")
    return Recordings(inputs, _bounds(path, arrays.get(STATE), rows.pop(), grouped=grouped))


def _checked(path: Path, spec: TensorSpec, arrays: dict[str, NDArray[Any]]) -> NDArray[Any]:
    array = arrays.get(spec.name)
    if array is None:
        raise RecordingsError(f"{path} has no {spec.name}")
    if array.dtype != NUMPY[spec.datatype] or not spec.fits(array.shape):
        raise RecordingsError(
            f"{path}: {spec.name} is {array.dtype} {list(array.shape)}; the model takes"
            f" {spec.datatype} {list(spec.shape)}"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise RecordingsError(f"{path}: {spec.name} holds what is not finite")
    return array


def _bounds(
    path: Path, states: NDArray[Any] | None, rows: int, *, grouped: bool
) -> NDArray[np.int64]:
    if states is None and grouped:
        raise RecordingsError(f"{path} has no `{STATE}`: which candidates stood beside each other?")
    if states is None:
        return np.arange(rows + 1)
    if states.shape != (rows,) or states.dtype.kind not in "iu":
        raise RecordingsError(f"{path}: `{STATE}` is a whole number for each of {rows} rows")
    begins = np.flatnonzero(np.diff(states)) + 1
    return np.concatenate([[0], begins, [rows]]).astype(np.int64)
