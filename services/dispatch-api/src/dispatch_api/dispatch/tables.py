"""Rows of dispatch runs, plans with their stops, assignments and waivers."""

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


class PlanRow(DispatchTable, table=True):
    __tablename__ = "plan"

    company_id: UUID = Field(primary_key=True, foreign_key="dispatch.company.id")
    day: date = Field(primary_key=True)
    version: int = 0
    run_id: UUID | None = None
    committed_at: datetime | None = Field(default=None, sa_type=timestamp())
    summary: dict[str, Any] = Field(
        sa_type=json_column(), description="cost, KPIs, unserved, held, travel source, degraded"
    )


class PlanStopRow(DispatchTable, table=True):
    __tablename__ = "plan_stop"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["company_id", "day"], ["dispatch.plan.company_id", "dispatch.plan.day"]
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "duty_id"], ["dispatch.duty.company_id", "dispatch.duty.id"]
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "booking_id"], ["dispatch.booking.company_id", "dispatch.booking.id"]
        ),
    )

    company_id: UUID = Field(primary_key=True)
    day: date = Field(primary_key=True)
    duty_id: UUID = Field(primary_key=True)
    sequence: int = Field(primary_key=True)
    kind: str = Field(max_length=16)
    booking_id: UUID | None = None
    place_id: UUID | None = None
    arrival_at: datetime = Field(sa_type=timestamp())
    begin_at: datetime = Field(sa_type=timestamp())
    end_at: datetime = Field(sa_type=timestamp())


class AssignmentRow(DispatchTable, table=True):
    __tablename__ = "assignment"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["company_id", "booking_id"], ["dispatch.booking.company_id", "dispatch.booking.id"]
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "duty_id"], ["dispatch.duty.company_id", "dispatch.duty.id"]
        ),
        sa.Index(None, "company_id", "day"),
    )

    company_id: UUID = Field(primary_key=True)
    booking_id: UUID = Field(primary_key=True)
    duty_id: UUID
    day: date
    plan_version: int
    planned_pickup_at: datetime = Field(sa_type=timestamp())
    planned_dropoff_at: datetime = Field(sa_type=timestamp())


class WaiverRow(DispatchTable, table=True):
    __tablename__ = "waiver"
    __table_args__ = (sa.Index(None, "company_id", "day"),)

    id: UUID = Field(primary_key=True)
    company_id: UUID = Field(foreign_key="dispatch.company.id")
    day: date
    rule: str = Field(max_length=16, description="a service rule of the engine")
    booking_id: UUID | None = None
    duty_id: UUID | None = None
    excess_min: float
    reason: str = Field(max_length=300)
    granted_by: str = Field(max_length=200)
    granted_at: datetime = Field(sa_type=timestamp())
