"""Rows of companies and their settings."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field

from atmr_common.database.tables import enum_column, json_column, timestamp
from dispatch_api.companies.domain import DispatchMode
from dispatch_api.schema import DispatchTable


class CompanyRow(DispatchTable, table=True):
    __tablename__ = "company"

    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=200)
    zone: str = Field(max_length=64)
    dispatch_mode: DispatchMode = Field(sa_type=enum_column(DispatchMode))
    settings: dict[str, Any] = Field(sa_type=json_column())
    quotas: dict[str, Any] = Field(
        default_factory=dict,
        sa_type=json_column(),
        sa_column_kwargs={"server_default": "{}"},
        description="set by the platform; apart from `settings`, which are the company's own",
    )
    version: int = 1
    created_at: datetime = Field(sa_type=timestamp())
