"""Rows of places; a patient's home is sealed with the patient's key, coordinates included."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from atmr_common.database.tables import enum_column, timestamp
from dispatch_api.geocoding.port import Precision
from dispatch_api.schema import DispatchTable


class PlaceRow(DispatchTable, table=True):
    __tablename__ = "place"
    __table_args__ = (
        sa.UniqueConstraint("company_id", "id"),
        sa.ForeignKeyConstraint(
            ["company_id", "patient_id"], ["dispatch.patient.company_id", "dispatch.patient.id"]
        ),
        sa.CheckConstraint("(patient_id IS NULL) = (sealed IS NULL)", name="home_is_sealed"),
        sa.CheckConstraint(
            "patient_id IS NULL OR num_nonnulls(label, address, lat, lon) = 0",
            name="home_shows_no_address",
        ),
        sa.CheckConstraint(
            "patient_id IS NULL OR num_nonnulls(entrance, floor, door_code) = 0",
            name="home_shows_no_door",
        ),
        sa.CheckConstraint("(lat IS NULL) = (lon IS NULL)", name="point_is_whole"),
    )

    id: UUID = Field(primary_key=True)
    company_id: UUID = Field(foreign_key="dispatch.company.id")
    patient_id: UUID | None = Field(default=None, index=True, description="whose home it is")
    sealed: bytes | None = Field(default=None, description="all of PlaceDetails of a home")
    label: str | None = Field(default=None, max_length=200)
    address: str | None = Field(default=None, max_length=300)
    lat: float | None = None
    lon: float | None = None
    entrance: str | None = Field(default=None, max_length=200)
    floor: str | None = Field(default=None, max_length=40)
    door_code: str | None = Field(default=None, max_length=40)
    precision: Precision | None = Field(
        default=None, sa_type=enum_column(Precision), description="None: not located"
    )
    geocode_source: str = Field(max_length=80, description="the index's data, client, or pin")
    pin_corrected_by: str | None = Field(default=None, max_length=200)
    pin_corrected_at: datetime | None = Field(default=None, sa_type=timestamp())
    version: int = 1
    created_at: datetime = Field(sa_type=timestamp())
