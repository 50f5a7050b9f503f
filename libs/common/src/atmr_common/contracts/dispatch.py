"""Events of planning: runs and plans are keyed by company and day, assignments by booking."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from atmr_common.contracts.envelope import Event
from atmr_common.contracts.vocabulary import Code, FailureCode, Finite

RELEASE_CODES = {
    "left out by a new plan": "replanned",
    "the booking was cancelled": "booking_cancelled",
    "the booking was changed": "booking_changed",
    "the patient did not come": "no_show",
    "the duty was cancelled": "duty_cancelled",
    "the patient is ready at another time": "ready_at_another_time",
}
"""Why a booking left the plan: the sentences of release 0.1.0, and the codes since."""


def _release_code(told: object) -> object:
    return RELEASE_CODES.get(told, told) if isinstance(told, str) else told


class RunRequested(Event):
    """A dispatch run waits to be claimed; a nudge, the truth stands in the database."""

    run_id: UUID
    day: date
    mode: Code


class RunCompleted(Event):
    """A dispatch run ended with a plan that the checker passed."""

    run_id: UUID
    day: date
    plan_version: int | None
    served: int
    unserved: int
    degraded: Code | None = None


class RunFailed(Event):
    """A dispatch run ended without a plan."""

    run_id: UUID
    day: date
    reason: FailureCode


class PlannedLeg(BaseModel):
    """A duty's way to its next stop: planned seconds of driving, waiting there, and service.

    `kind` is the stop's (pickup, dropoff, break, start, end); only a booking's stop has its id.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Code
    booking_id: UUID | None = None
    drive_s: int = Field(ge=0)
    wait_s: int = Field(ge=0)
    service_s: int = Field(ge=0)


class PlannedRoute(BaseModel):
    """A duty's legs in their order; `begins_at` is when the first of them does."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    duty_id: UUID
    begins_at: AwareDatetime
    legs: tuple[PlannedLeg, ...]


class PlanCommitted(Event):
    """A company's day has a new plan: what changed, the whole of its legs, and its key figures.

    `routes` and `kpis` are empty in events of release 0.1.0.
    """

    day: date
    version: int
    run_id: UUID | None
    assigned: tuple[UUID, ...]
    released: tuple[UUID, ...]
    served: int
    unserved: int
    routes: tuple[PlannedRoute, ...] = ()
    kpis: dict[Code, Finite | None] = Field(default_factory=dict)


class AssignmentProposed(Event):
    """A duty is suggested for a booking, and nothing is committed; `source` says by what.

    `added_cost` is in units of the objective, computed by the engine. Nobody may rely on the
    proposal after `expires_at`, or once the plan is not at `plan_version` any more.
    """

    proposal_id: UUID
    booking_id: UUID
    duty_id: UUID
    day: date
    plan_version: int
    planned_pickup_at: AwareDatetime
    planned_dropoff_at: AwareDatetime
    expires_at: AwareDatetime
    source: Code
    added_cost: Finite | None = None
    degraded: Code | None = None


class AssignmentCommitted(Event):
    """A booking is in a duty's route with these planned times."""

    booking_id: UUID
    duty_id: UUID
    day: date
    plan_version: int
    planned_pickup_at: AwareDatetime
    planned_dropoff_at: AwareDatetime


class AssignmentReleased(Event):
    """A booking left the plan; `reason` is a code, and 0.1.0's sentences are read as theirs."""

    booking_id: UUID
    day: date
    plan_version: int
    reason: Annotated[Code, BeforeValidator(_release_code)]


class AssignmentProgressed(Event):
    """A crew reported: en route, arrived, on board, done."""

    booking_id: UUID
    duty_id: UUID | None
    state: Code
    at: AwareDatetime
