"""Rows of patients: what identifies a person is sealed, and found through a keyed blind index."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from atmr_common.database.tables import json_column, timestamp
from dispatch_api.schema import DispatchTable


class PatientRow(DispatchTable, table=True):
    __tablename__ = "patient"
    __table_args__ = (
        sa.UniqueConstraint("company_id", "id"),
        sa.UniqueConstraint("company_id", "reference"),
    )

    id: UUID = Field(primary_key=True)
    company_id: UUID = Field(foreign_key="dispatch.company.id")
    reference: str | None = Field(default=None, max_length=64)
    data_key: bytes | None = Field(description="wrapped; None once the patient was erased")
    sealed: bytes | None = Field(description="name, phone, birth year, notes under the data key")
    mobility: str = Field(max_length=16)
    key_version: int = Field(
        default=1, sa_column_kwargs={"server_default": "1"}, description="that wrapped `data_key`"
    )
    created_by: str | None = Field(default=None, max_length=200, description="`sub` of the token")
    version: int = 1
    created_at: datetime = Field(sa_type=timestamp())


class PatientTokenRow(DispatchTable, table=True):
    __tablename__ = "patient_token"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["company_id", "patient_id"],
            ["dispatch.patient.company_id", "dispatch.patient.id"],
            ondelete="CASCADE",
        ),
        sa.Index("ix_patient_token_patient", "company_id", "patient_id"),
    )

    company_id: UUID = Field(primary_key=True)
    token: bytes = Field(primary_key=True)
    patient_id: UUID = Field(primary_key=True)
    key_version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class PatientAccessRow(DispatchTable, table=True):
    __tablename__ = "patient_access_log"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["company_id", "patient_id"], ["dispatch.patient.company_id", "dispatch.patient.id"]
        ),
        sa.Index("ix_patient_access_log_patient", "company_id", "patient_id"),
    )

    id: UUID = Field(primary_key=True)
    company_id: UUID
    patient_id: UUID
    subject: str = Field(max_length=200, description="`sub` of the reader's token")
    role: str = Field(max_length=16)
    at: datetime = Field(sa_type=timestamp())
    fields: list[str] = Field(sa_type=json_column(), description="names of what was shown")


class AccessSealRow(DispatchTable, table=True):
    __tablename__ = "access_seal"

    company_id: UUID = Field(primary_key=True, foreign_key="dispatch.company.id")
    number: int = Field(primary_key=True, description="from 1, without gaps")
    through_id: UUID = Field(description="the last entry of the log that it covers")
    entries: int
    digest: bytes = Field(description="of the digest before and of the entries, in order of ids")
    sealed_at: datetime = Field(sa_type=timestamp())
