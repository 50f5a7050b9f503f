"""Rows of plans: the versioned day, its stops, and which booking is in which duty's route."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from atmr_common.database.tables import json_column, timestamp
from dispatch_api.schema import DispatchTable


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
