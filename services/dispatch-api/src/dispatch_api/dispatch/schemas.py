"""What clients send and see of a dispatch run."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dispatch_api.dispatch.domain import RunMode, RunState, Stage


class NewDispatchRun(BaseModel):
    """A day to be planned. A budget in iterations alone gives the same plan on any machine."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"date": "2026-03-16", "mode": "auto", "seconds": 2}]},
    )

    date: date
    mode: RunMode = RunMode.AUTO
    seconds: float | None = Field(None, ge=0, le=600, description="Search time at most.")
    iterations: int | None = Field(None, ge=0, le=10_000_000, description="Iterations at most.")
    seed: int = Field(0, ge=0, le=2**31 - 1)


class StageRecord(BaseModel):
    """What one stage did: how long it took, and the objective where it found a plan."""

    stage: Stage
    started_at: AwareDatetime
    seconds: float = Field(examples=[0.42])
    objective: float | None = Field(None, examples=[1312.5])
    detail: dict[str, Any] = Field({}, examples=[{"served": 118, "unserved": 2}])


class RunResult(BaseModel):
    """What a completed run committed."""

    served: int
    unserved: int
    objective: float
    source: str = Field(examples=["search"], description="The part that found the plan.")
    travel_source: str = Field(examples=["osrm"])
    degraded: str | None = Field(None, examples=["osrm_unavailable"])


class DispatchRun(BaseModel):
    """A dispatch run: its state, every stage so far, and the plan version that it committed."""

    id: UUID
    date: date
    mode: RunMode
    state: RunState
    seconds: float | None
    iterations: int | None
    seed: int
    requested_by: str
    requested_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    attempts: int = Field(description="How often it began again because the day had changed.")
    stages: list[StageRecord]
    plan_version: int | None
    result: RunResult | None
    error: str | None
