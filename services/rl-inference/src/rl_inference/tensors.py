"""Names, datatypes and shapes of tensors, in the words of the Open Inference Protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ANY = -1
"""A dimension that may have any length; the first one of a tensor is the batch's."""
NUMPY: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype(np.uint16),
    "UINT32": np.dtype(np.uint32),
    "UINT64": np.dtype(np.uint64),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
    "FP16": np.dtype(np.float16),
    "FP32": np.dtype(np.float32),
    "FP64": np.dtype(np.float64),
    "BYTES": np.dtype(np.object_),
}
"""The protocol's datatypes and what holds them here, little-endian."""
Tensors = Mapping[str, NDArray[Any]]
"""Arrays by the name of the tensor."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """What a model says of one of its tensors."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of `shape` may stand for the tensor."""
        if len(shape) != len(self.shape):
            return False
        for known, asked in zip(self.shape, shape, strict=True):  # noqa: SIM110 (twice as fast)
            if known not in (ANY, asked):
                return False
        return True
