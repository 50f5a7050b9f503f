"""Events of planning: runs and plans are keyed by company and day, assignments by booking."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import AwareDatetime

from atmr_common.contracts.envelope import Event


class RunRequested(Event):
    """A dispatch run waits to be claimed; a nudge, the truth stands in the database."""

    run_id: UUID
    day: date
    mode: str


class RunCompleted(Event):
    """A dispatch run ended with a plan that the checker passed."""

    run_id: UUID
    day: date
    plan_version: int | None
    served: int
    unserved: int
    degraded: str | None = None


class RunFailed(Event):
    """A dispatch run ended without a plan."""

    run_id: UUID
    day: date
    reason: str


class PlanCommitted(Event):
    """A company's day has a new plan."""

    day: date
    version: int
    run_id: UUID | None
    assigned: tuple[UUID, ...]
    released: tuple[UUID, ...]
    served: int
    unserved: int


class AssignmentCommitted(Event):
    """A booking is in a duty's route with these planned times."""

    booking_id: UUID
    duty_id: UUID
    day: date
    plan_version: int
    planned_pickup_at: AwareDatetime
    planned_dropoff_at: AwareDatetime


class AssignmentReleased(Event):
    """A booking left the plan."""

    booking_id: UUID
    day: date
    plan_version: int
    reason: str


class AssignmentProgressed(Event):
    """A crew reported: en route, arrived, on board, done."""

    booking_id: UUID
    duty_id: UUID | None
    state: str
    at: AwareDatetime
