"""Rows of what companies have used, day by day, for quotas."""

from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from dispatch_api.schema import DispatchTable


class UsageRow(DispatchTable, table=True):
    __tablename__ = "usage"

    company_id: UUID = Field(primary_key=True, foreign_key="dispatch.company.id")
    day: date = Field(primary_key=True, description="in the company's zone")
    kind: str = Field(primary_key=True, max_length=32)
    stripe: int = Field(
        primary_key=True,
        sa_type=sa.SmallInteger,
        sa_column_kwargs={"autoincrement": False},
        description="a day is the sum of its stripes",
    )
    amount: float = 0
