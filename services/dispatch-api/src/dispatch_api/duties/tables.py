"""Rows of duties: a vehicle with one or two crew for a time, the unit that gets a route."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from atmr_common.database.tables import timestamp
from dispatch_api.schema import DispatchTable


class DutyRow(DispatchTable, table=True):
    __tablename__ = "duty"
    __table_args__ = (
        sa.UniqueConstraint("company_id", "id"),
        sa.Index(
            "uq_duty_name_of_day",
            "company_id",
            "day",
            "name",
            unique=True,
            postgresql_where=sa.text("cancelled_at IS NULL"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "vehicle_id"], ["dispatch.vehicle.company_id", "dispatch.vehicle.id"]
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "start_place_id"], ["dispatch.place.company_id", "dispatch.place.id"]
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "end_place_id"], ["dispatch.place.company_id", "dispatch.place.id"]
        ),
        sa.CheckConstraint("ends_at > starts_at", name="ends_after_start"),
    )

    id: UUID = Field(primary_key=True)
    company_id: UUID = Field(foreign_key="dispatch.company.id")
    name: str = Field(max_length=80)
    day: date = Field(description="the company's local day on which it starts")
    vehicle_id: UUID = Field(index=True)
    starts_at: datetime = Field(sa_type=timestamp())
    ends_at: datetime = Field(sa_type=timestamp())
    start_place_id: UUID | None = None
    end_place_id: UUID | None = None
    cancelled_at: datetime | None = Field(default=None, sa_type=timestamp())
    version: int = 1
    created_at: datetime = Field(sa_type=timestamp())


class DutyCrewRow(DispatchTable, table=True):
    __tablename__ = "duty_crew"
    __table_args__ = (
        sa.UniqueConstraint("company_id", "duty_id", "driver_id"),
        sa.ForeignKeyConstraint(
            ["company_id", "duty_id"],
            ["dispatch.duty.company_id", "dispatch.duty.id"],
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "driver_id"], ["dispatch.driver.company_id", "dispatch.driver.id"]
        ),
    )

    company_id: UUID = Field(primary_key=True)
    duty_id: UUID = Field(primary_key=True)
    position: int = Field(primary_key=True, description="1 drives, 2 accompanies")
    driver_id: UUID = Field(index=True)
