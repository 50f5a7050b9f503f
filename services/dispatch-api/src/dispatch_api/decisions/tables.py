"""Rows of dispatch decisions, partitioned by day: what was known, possible and chosen, by whom."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from atmr_common.database.tables import json_column, timestamp
from dispatch_api.schema import DispatchTable


class DecisionRow(DispatchTable, table=True):
    __tablename__ = "decision"
    __table_args__ = (
        sa.Index(None, "company_id", "booking_id"),
        {"postgresql_partition_by": "RANGE (decided_at)"},
    )

    company_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    decided_at: datetime = Field(primary_key=True, sa_type=timestamp())
    booking_id: UUID
    run_id: UUID | None = None
    codec_version: int
    state_hash: str = Field(max_length=64)
    candidates: list[dict[str, Any]] = Field(sa_type=json_column())
    chosen: int | None = None
    propensity: float | None = None
    by: str = Field(max_length=200, description="subject of a token, or a model's name and version")
