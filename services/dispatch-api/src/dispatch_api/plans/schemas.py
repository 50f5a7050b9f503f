"""What clients see of a plan."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field


class PlanStop(BaseModel):
    """One stop of a route; at a start or an end without a place, `place_id` is null."""

    kind: str = Field(examples=["pickup"], description="start, pickup, dropoff, break or end")
    booking_id: UUID | None = None
    place_id: UUID | None = None
    arrival_at: AwareDatetime
    begin_at: AwareDatetime
    end_at: AwareDatetime


class PlanRoute(BaseModel):
    """A duty's stops in order."""

    duty_id: UUID
    stops: list[PlanStop]


class NotPlanned(BaseModel):
    """A booking without a route: the rule in the way (null while it is held), and a sentence."""

    booking_id: UUID
    rule: str | None = Field(None, examples=["capacity"])
    reason: str = Field(examples=["no duty has a place for a stretcher"])


class StandingRoute(BaseModel):
    """A duty that was left out of planning with its route as it was, and why."""

    duty_id: UUID
    reason: str = Field(examples=["the duty does not take place any more"])


class PlanSummary(BaseModel):
    """What is known of a plan beside its timetable; every number was computed by the engine."""

    objective: float = Field(0.0, examples=[1312.5])
    cost: dict[str, float] = Field({}, description="Each term of the objective in its own unit.")
    kpis: dict[str, Any] = Field({}, description="Defined in docs/kpi.md.")
    unserved: list[NotPlanned] = []
    held: list[NotPlanned] = Field([], description="Bookings that wait for a time or a decision.")
    standing: list[StandingRoute] = Field(
        [], description="Routes of a running day that no plan may touch; not in cost and KPIs."
    )
    source: str | None = Field(None, examples=["search"])
    travel_source: str | None = Field(None, examples=["osrm"])
    degraded: str | None = Field(
        None, examples=["osrm_unavailable"], description="Why a better source did not answer."
    )


class Plan(BaseModel):
    """The plan of a day; version 0 means that none was committed yet."""

    day: date
    version: int
    run_id: UUID | None = None
    committed_at: AwareDatetime | None = None
    routes: list[PlanRoute] = []
    summary: PlanSummary = PlanSummary()
