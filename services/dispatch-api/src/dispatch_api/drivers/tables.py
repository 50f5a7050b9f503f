"""Rows of drivers, their shifts with breaks, and their absences."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from atmr_common.database.tables import enum_column, json_column, timestamp
from dispatch_api.drivers.domain import DriverKind
from dispatch_api.schema import DispatchTable


class DriverRow(DispatchTable, table=True):
    __tablename__ = "driver"
    __table_args__ = (
        sa.UniqueConstraint("company_id", "id"),
        sa.UniqueConstraint("company_id", "name"),
        sa.UniqueConstraint("company_id", "subject"),
        sa.ForeignKeyConstraint(
            ["company_id", "start_place_id"], ["dispatch.place.company_id", "dispatch.place.id"]
        ),
    )

    id: UUID = Field(primary_key=True)
    company_id: UUID = Field(foreign_key="dispatch.company.id")
    name: str = Field(max_length=120)
    kind: DriverKind = Field(sa_type=enum_column(DriverKind))
    subject: str | None = Field(default=None, max_length=200, description="`sub` of their token")
    credentials: list[dict[str, Any]] = Field(
        sa_type=json_column(), description="[{skill, expires_on | null}]"
    )
    start_place_id: UUID | None = Field(default=None, description="home; the duty's depot if null")
    active: bool = True
    version: int = 1
    created_at: datetime = Field(sa_type=timestamp())


class ShiftRow(DispatchTable, table=True):
    __tablename__ = "shift"
    __table_args__ = (
        sa.UniqueConstraint("company_id", "id"),
        sa.ForeignKeyConstraint(
            ["company_id", "driver_id"], ["dispatch.driver.company_id", "dispatch.driver.id"]
        ),
        sa.CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        sa.Index(None, "company_id", "starts_at"),
    )

    id: UUID = Field(primary_key=True)
    company_id: UUID
    driver_id: UUID = Field(index=True)
    starts_at: datetime = Field(sa_type=timestamp())
    ends_at: datetime = Field(sa_type=timestamp())
    breaks: list[dict[str, Any]] = Field(
        sa_type=json_column(), description="[{minutes, earliest, latest}]: aware ISO times"
    )
    version: int = 1


class AbsenceRow(DispatchTable, table=True):
    __tablename__ = "absence"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["company_id", "driver_id"], ["dispatch.driver.company_id", "dispatch.driver.id"]
        ),
        sa.CheckConstraint("ends_at > starts_at", name="ends_after_start"),
    )

    id: UUID = Field(primary_key=True)
    company_id: UUID
    driver_id: UUID = Field(index=True)
    starts_at: datetime = Field(sa_type=timestamp())
    ends_at: datetime = Field(sa_type=timestamp())
    reason: str = Field(max_length=40, description="holiday, illness, other: never a diagnosis")
