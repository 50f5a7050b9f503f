"""`model.json`: where a version comes from, and what has to be true of its file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from atmr_common.contracts.vocabulary import (
    Code,
    Finite,
    GitRevision,
    ModelName,
    Probability,
    Sha256,
    Version,
)

Kind = Literal["policy", "delay_risk", "other"]
Precision = Literal["float", "int8"]
LEAST_AGREEMENT = 0.995
LEAST_AGREEMENT_STATES = 200
"""Of fewer, a share of 99.5 % cannot be told from less."""


class Agreement(BaseModel):
    """On how many recorded states an int8 model and its parent choose the same.

    The states were not used for calibration; `share` is the measured part of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: Probability
    states: Annotated[int, Field(ge=1)]


class GoldenCase(BaseModel):
    """Inputs, and the outputs that they gave where the model was made; nested lists of numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: dict[str, list[object]]
    outputs: dict[str, list[object]]
    tolerance: Annotated[float, Field(ge=0.0, le=1.0)] = 1e-4


class ModelCard(BaseModel):
    """The lineage of a version, written beside its file.

    `codec_version` is of a policy, `feature_version` and `levels` (quantiles) of a delay model.
    `trained` False: the weights are random, and nothing serves it to a dispatch run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    model: ModelName
    version: Version
    kind: Kind = "other"
    checksum: Sha256
    """Of the model's file."""
    codec_version: Version | None = None
    feature_version: Version | None = None
    levels: tuple[Finite, ...] = ()
    calibrated: bool = False
    trained: bool
    synthetic: bool
    seed: int | None = None
    git_revision: GitRevision | None = None
    data_fingerprint: Sha256 | None = None
    precision: Precision = "float"
    parent: Sha256 | None = None
    """Of an int8 model: the checksum of the file that it was made from."""
    agreement: Agreement | None = None
    """Of an int8 model with its parent."""
    metrics: dict[Code, Finite] = Field(default_factory=dict)
    golden: tuple[GoldenCase, ...] = ()
