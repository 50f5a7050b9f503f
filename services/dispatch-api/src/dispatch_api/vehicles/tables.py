"""Rows of vehicles and of the times when one is out of service."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from atmr_common.database.tables import json_column, timestamp
from dispatch_api.schema import DispatchTable


class VehicleRow(DispatchTable, table=True):
    __tablename__ = "vehicle"
    __table_args__ = (
        sa.UniqueConstraint("company_id", "id"),
        sa.UniqueConstraint("company_id", "name"),
    )

    id: UUID = Field(primary_key=True)
    company_id: UUID = Field(foreign_key="dispatch.company.id")
    name: str = Field(max_length=80)
    plate: str | None = Field(default=None, max_length=20)
    seats: int
    wheelchairs: int = 0
    stretchers: int = 0
    fold_seats_per_wheelchair: int = 0
    fold_seats_per_stretcher: int = 0
    equipment: list[str] = Field(sa_type=json_column())
    inspection_expires_on: date | None = None
    active: bool = True
    version: int = 1
    created_at: datetime = Field(sa_type=timestamp())


class VehicleOutageRow(DispatchTable, table=True):
    __tablename__ = "vehicle_outage"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["company_id", "vehicle_id"], ["dispatch.vehicle.company_id", "dispatch.vehicle.id"]
        ),
        sa.CheckConstraint("ends_at > starts_at", name="ends_after_start"),
    )

    id: UUID = Field(primary_key=True)
    company_id: UUID
    vehicle_id: UUID = Field(index=True)
    starts_at: datetime = Field(sa_type=timestamp())
    ends_at: datetime = Field(sa_type=timestamp())
    reason: str = Field(max_length=200)
