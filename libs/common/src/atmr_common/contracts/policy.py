"""RPC messages of `atmr.policy.v1.PolicyService`: scores for the candidates of one decision.

The caller encodes with `atmr_engine.policy`; the server checks codec version and shapes alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from atmr_common.contracts.rpc_message import FIRST_ERROR, LARGEST_AXIS, RpcMessage, Tensor
from atmr_common.contracts.vocabulary import Code, Finite, ModelName, Sha256, Version

SERVICE = "atmr.policy.v1.PolicyService"
SCORE_CANDIDATES = "ScoreCandidates"
MATRIX = 2


class ScoreCandidatesRequest(RpcMessage):
    """The encoded candidates of one decision.

    `candidates` has shape [n, f] and `context` [c], where f and c are the codec's; `mask` has n
    entries, true where a candidate is allowed, and at least one of them is. `alias` chooses the
    version of the model. The deadline is the request's `Connect-Timeout-Ms`, or `deadline_ms`
    milliseconds from its arrival where that is shorter. `state_hash` comes back in logs.

    Raises:
        ValueError: when shapes do not agree, or nothing is allowed.

    """

    codec_version: Version = Field(examples=[1])
    model: ModelName = "dispatch-policy"
    alias: Code = "champion"
    candidates: Tensor
    context: Tensor
    mask: Annotated[tuple[bool, ...], FIRST_ERROR] = Field(
        max_length=LARGEST_AXIS, examples=[[True, False]]
    )
    state_hash: Sha256 | None = None
    deadline_ms: int | None = Field(None, ge=1, le=60_000, examples=[20])

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if len(self.candidates.shape) != MATRIX or len(self.context.shape) != 1:
            raise ValueError("candidates has the shape [n, f] and context the shape [c]")
        if len(self.mask) != self.candidates.shape[0]:
            count = self.candidates.shape[0]
            raise ValueError(f"mask has {len(self.mask)} entries for {count} candidates")
        if not any(self.mask):
            raise ValueError("mask allows no candidate")
        return self


class ServedModel(RpcMessage):
    """The model that answered; `provider` is ONNX Runtime's name of what computed."""

    name: ModelName = Field(examples=["dispatch-policy"])
    version: Version = Field(examples=[3])
    provider: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9]*$", examples=["CPUExecutionProvider"])


class ScoreCandidatesResponse(RpcMessage):
    """One score for each allowed candidate, in the order of the request; higher is better.

    What the mask forbade has none. `degraded` says why the answer is not what was asked for, as
    `gpu_unavailable`; None: nothing was missing.
    """

    scores: tuple[Finite, ...] = Field(examples=[[12.5]])
    codec_version: Version = Field(examples=[1])
    model: ServedModel
    degraded: Code | None = None

    def by_candidate(self, mask: Sequence[bool]) -> list[float | None]:
        """The scores in the candidates' places, None where `mask` forbade.

        Raises:
            ValueError: when `mask` does not allow as many candidates as there are scores.

        """
        if sum(mask) != len(self.scores):
            raise ValueError(f"{len(self.scores)} scores for {sum(mask)} allowed candidates")
        scores = iter(self.scores)
        return [next(scores) if allowed else None for allowed in mask]
