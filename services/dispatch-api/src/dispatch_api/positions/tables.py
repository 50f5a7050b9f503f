"""Rows of drivers' positions, partitioned by day: old days are dropped whole."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from atmr_common.database.tables import timestamp
from dispatch_api.schema import DispatchTable


class DriverPositionRow(DispatchTable, table=True):
    __tablename__ = "driver_position"
    __table_args__ = {"postgresql_partition_by": "RANGE (recorded_at)"}  # noqa: RUF012 (SQLAlchemy)

    company_id: UUID = Field(primary_key=True)
    driver_id: UUID = Field(primary_key=True)
    recorded_at: datetime = Field(primary_key=True, sa_type=timestamp())
    received_at: datetime = Field(sa_type=timestamp())
    duty_id: UUID | None = None
    lat: float
    lon: float
    accuracy_m: float | None = None
