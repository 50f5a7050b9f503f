"""What RPC messages share: protobuf's JSON mapping, so that generated Connect clients understand.

Fields are written in lowerCamelCase and read in either spelling; unknown fields are ignored.
Messages hold no null in a list and rely on no field that may be zero: protobuf knows neither.
"""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, FailFast, Field, model_validator
from pydantic.alias_generators import to_camel

from atmr_common.contracts.vocabulary import Finite

LARGEST_AXIS = 65_536
FIRST_ERROR = FailFast()
"""Of a list of numbers the first wrong one is named: a million errors are no better an answer."""

Axis = Annotated[int, Field(ge=0, le=LARGEST_AXIS)]


class RpcMessage(BaseModel):
    """Base of requests and responses."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


class Tensor(RpcMessage):
    """Numbers in row-major order: `values` has as many as the product of `shape`.

    Raises:
        ValueError: when it has not, or when a number is not finite.

    """

    shape: tuple[Axis, ...] = Field(min_length=1, max_length=4, examples=[[2, 3]])
    values: Annotated[tuple[Finite, ...], FIRST_ERROR] = Field(
        default=(), max_length=4_194_304, examples=[[0.5, 1.0, 0.0, 0.25, 0.0, 1.0]]
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if math.prod(self.shape) != len(self.values):
            raise ValueError(f"shape {list(self.shape)} does not hold {len(self.values)} values")
        return self
