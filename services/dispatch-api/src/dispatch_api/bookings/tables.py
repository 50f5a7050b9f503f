"""Rows of bookings and of their history."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from atmr_common.database.tables import enum_column, json_column, timestamp
from dispatch_api.bookings.domain import BookingState, Direction, Mobility
from dispatch_api.schema import DispatchTable


class BookingRow(DispatchTable, table=True):
    __tablename__ = "booking"
    __table_args__ = (
        sa.UniqueConstraint("company_id", "id"),
        sa.UniqueConstraint("company_id", "reference"),
        sa.ForeignKeyConstraint(
            ["company_id", "patient_id"], ["dispatch.patient.company_id", "dispatch.patient.id"]
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "pickup_place_id"], ["dispatch.place.company_id", "dispatch.place.id"]
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "dropoff_place_id"], ["dispatch.place.company_id", "dispatch.place.id"]
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "linked_booking_id"],
            ["dispatch.booking.company_id", "dispatch.booking.id"],
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "locked_duty_id"], ["dispatch.duty.company_id", "dispatch.duty.id"]
        ),
        sa.Index(None, "company_id", "day", "state"),
    )

    id: UUID = Field(primary_key=True)
    company_id: UUID = Field(foreign_key="dispatch.company.id")
    reference: str | None = Field(default=None, max_length=64, description="the client's own id")
    patient_id: UUID = Field(index=True)
    direction: Direction = Field(sa_type=enum_column(Direction))
    linked_booking_id: UUID | None = Field(default=None, description="the ALLER of this RETOUR")
    day: date = Field(description="the company's local day of the transport")
    pickup_place_id: UUID
    dropoff_place_id: UUID
    pickup_from: datetime | None = Field(default=None, sa_type=timestamp())
    pickup_to: datetime | None = Field(default=None, sa_type=timestamp())
    appointment_at: datetime | None = Field(default=None, sa_type=timestamp())
    will_call: bool = False
    ready_forecast: datetime | None = Field(default=None, sa_type=timestamp())
    ready_at: datetime | None = Field(default=None, sa_type=timestamp())
    mobility: Mobility = Field(sa_type=enum_column(Mobility))
    companions: int = 0
    equipment: list[str] = Field(sa_type=json_column())
    skills: list[str] = Field(sa_type=json_column())
    crew_needed: int | None = Field(default=None, description="by mobility where not given")
    ride_alone: bool = False
    share_group: str = Field(default="", max_length=40)
    service_pickup_min: float | None = None
    service_dropoff_min: float | None = None
    max_ride_min: float | None = None
    purpose: str | None = Field(default=None, max_length=40)
    priority: int = 0
    payer_reference: str | None = Field(default=None, max_length=80)
    sealed_notes: bytes | None = Field(default=None, description="under the patient's key")
    state: BookingState = Field(sa_type=enum_column(BookingState))
    on_hold: bool = Field(default=False, description="a dispatcher decides; not planned meanwhile")
    locked_duty_id: UUID | None = Field(default=None, description="a dispatcher's pin")
    booked_by: str = Field(max_length=200, description="subject of the token that booked it")
    version: int = 1
    created_at: datetime = Field(sa_type=timestamp())


class BookingTransitionRow(DispatchTable, table=True):
    __tablename__ = "booking_transition"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["company_id", "booking_id"], ["dispatch.booking.company_id", "dispatch.booking.id"]
        ),
    )

    id: UUID = Field(primary_key=True)
    company_id: UUID
    booking_id: UUID = Field(index=True)
    from_state: BookingState | None = Field(
        default=None, sa_type=enum_column(BookingState, name="from_state")
    )
    to_state: BookingState = Field(sa_type=enum_column(BookingState, name="to_state"))
    at: datetime = Field(sa_type=timestamp())
    by: str = Field(max_length=200)
    reason: str | None = Field(default=None, max_length=300)
    late: bool = Field(default=False, description="a cancellation within the company's notice")
