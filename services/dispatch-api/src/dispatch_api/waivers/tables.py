"""Rows of waivers: leave to breach a service rule, by whom, why, and how far."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from atmr_common.database.tables import timestamp
from dispatch_api.schema import DispatchTable


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
