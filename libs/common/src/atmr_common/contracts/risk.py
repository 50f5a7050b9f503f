"""RPC messages of `atmr.risk.v1.DelayRiskService`: how late the stops ahead may be.

Features are computed by the caller, in the module that the trainer uses too.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Self

from pydantic import Field, model_validator

from atmr_common.contracts.policy import ServedModel
from atmr_common.contracts.rpc_message import RpcMessage, Tensor
from atmr_common.contracts.vocabulary import Code, ModelName, Probability, Version

SERVICE = "atmr.risk.v1.DelayRiskService"
PREDICT = "Predict"
MATRIX = 2


class PredictRequest(RpcMessage):
    """The encoded legs or services to judge: `rows` has shape [n, f], f of the feature version.

    Raises:
        ValueError: when `rows` is no matrix.

    """

    feature_version: Version = Field(examples=[1])
    model: ModelName = "delay-risk"
    alias: Code = "champion"
    rows: Tensor
    deadline_ms: int | None = Field(None, ge=1, le=60_000, examples=[50])

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if len(self.rows.shape) != MATRIX:
            raise ValueError("rows has the shape [n, f]")
        return self


class PredictResponse(RpcMessage):
    """What to expect of each row: `delay_s` has shape [n, q], seconds at each of the q `levels`.

    Levels grow. `late_probabilities` has n entries, or none where the model knows none;
    `calibrated` says whether intervals and probabilities were calibrated on held-out days.

    Raises:
        ValueError: when shapes do not agree.

    """

    levels: tuple[Probability, ...] = Field(min_length=1, examples=[[0.1, 0.5, 0.9]])
    delay_s: Tensor
    late_probabilities: tuple[Probability, ...] = Field(default=(), examples=[[0.12]])
    calibrated: bool = False
    feature_version: Version = Field(examples=[1])
    model: ServedModel
    degraded: Code | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        shape = self.delay_s.shape
        if len(shape) != MATRIX or shape[1] != len(self.levels):
            raise ValueError("delay_s has the shape [n, q], with q levels")
        if any(lower >= higher for lower, higher in pairwise(self.levels)):
            raise ValueError("the levels do not grow")
        if self.late_probabilities and len(self.late_probabilities) != shape[0]:
            raise ValueError("there is no late probability for each row")
        return self
