"""Events that learning lives on: each decision as it was made, and what came of it.

The key is the booking's id. Features are the codec's: relative figures, never coordinates.
"""

from __future__ import annotations

from datetime import date
from typing import Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from atmr_common.contracts.envelope import Event
from atmr_common.contracts.vocabulary import Code, Finite, ModelName, Probability, Sha256, Version

CERTAIN = 1e-6
"""How far the sum of propensities may be from one."""


class Candidate(BaseModel):
    """One thing that could be done: an insertion into a duty's route, to wait, to outsource.

    `features` has the codec's number of figures per candidate.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Code
    duty_id: UUID | None = None
    pickup_position: int | None = Field(None, ge=0)
    dropoff_position: int | None = Field(None, ge=0)
    added_cost: Finite | None = None
    features: tuple[Finite, ...] = ()


class ModelVersion(BaseModel):
    """The model that decided or scored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: ModelName
    version: Version


class DecisionRecorded(Event):
    """A choice between candidates: what was known, allowed, scored and chosen, and by whom.

    `mask`, `scores` and `propensities` have one entry per candidate, or scores and propensities
    are None: not known. What the mask forbade has the score None. `chosen` is an index, and None
    where a person did something else. `by` is `policy`, `heuristic`, `solver` or a role.
    """

    decision_id: UUID
    booking_id: UUID
    run_id: UUID | None = None
    day: date
    decided_at: AwareDatetime
    trigger: Code
    codec_version: Version
    state_hash: Sha256
    context: tuple[Finite, ...] = ()
    candidates: tuple[Candidate, ...]
    mask: tuple[bool, ...]
    scores: tuple[Finite | None, ...] | None = None
    propensities: tuple[Probability, ...] | None = None
    chosen: int | None = Field(None, ge=0)
    by: Code
    model: ModelVersion | None = None
    degraded: Code | None = None

    @property
    def propensity(self) -> float | None:
        """The probability with which the chosen candidate was chosen; None: not known."""
        if self.propensities is None or self.chosen is None:
            return None
        return self.propensities[self.chosen]

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        count = len(self.candidates)
        for name in ("mask", "scores", "propensities"):
            values = getattr(self, name)
            if values is not None and len(values) != count:
                raise ValueError(f"{name} has {len(values)} entries for {count} candidates")
        if self.chosen is not None and (self.chosen >= count or not self.mask[self.chosen]):
            raise ValueError("the chosen candidate is not one of those that were allowed")
        if self.propensities is not None and abs(sum(self.propensities) - 1) > CERTAIN:
            raise ValueError("the propensities do not add up to one")
        return self


class OutcomeObserved(Event):
    """What came of a decision, once the transport ended; seconds, positive means too late."""

    decision_id: UUID
    booking_id: UUID
    observed_at: AwareDatetime
    outcome: Code
    overridden: bool
    pickup_lateness_s: Finite | None = None
    appointment_lateness_s: Finite | None = None
    ride_s: Finite | None = None
    cost: Finite | None = None
