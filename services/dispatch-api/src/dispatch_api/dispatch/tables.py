"""Rows of dispatch runs: what was asked, who works on it, what each stage found."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from atmr_common.database.tables import enum_column, json_column, timestamp
from dispatch_api.dispatch.domain import RunMode, RunState
from dispatch_api.schema import DispatchTable


class DispatchRunRow(DispatchTable, table=True):
    __tablename__ = "dispatch_run"
    __table_args__ = (
        sa.UniqueConstraint("company_id", "id"),
        sa.Index(None, "state", "requested_at"),
        sa.Index(
            "ix_dispatch_run_open",
            "company_id",
            "requested_at",
            postgresql_where=sa.text("state IN ('queued', 'running')"),
        ),
        sa.Index("ix_dispatch_run_served", "company_id", "started_at"),
    )

    id: UUID = Field(primary_key=True)
    company_id: UUID = Field(foreign_key="dispatch.company.id")
    day: date
    mode: RunMode = Field(sa_type=enum_column(RunMode))
    state: RunState = Field(sa_type=enum_column(RunState))
    seconds: float | None = None
    iterations: int | None = None
    seed: int = 0
    requested_by: str = Field(max_length=200)
    requested_at: datetime = Field(sa_type=timestamp())
    started_at: datetime | None = Field(default=None, sa_type=timestamp())
    finished_at: datetime | None = Field(default=None, sa_type=timestamp())
    worker: str | None = Field(default=None, max_length=120)
    lease_until: datetime | None = Field(default=None, sa_type=timestamp())
    attempts: int = Field(default=0, description="commits lost to another run's plan")
    stages: list[dict[str, Any]] = Field(sa_type=json_column())
    plan_version: int | None = None
    result: dict[str, Any] | None = Field(default=None, sa_type=json_column())
    error: str | None = None
