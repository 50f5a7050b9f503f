"""What clients send and see of a booking."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from dispatch_api.bookings.domain import BookingState, Direction, Mobility

ID = "0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10"
RETURN_ID = "0193b082-4d1c-7c2e-9a55-1f6f0f3c9d11"
PATIENT, HOME, CLINIC = (f"0193b082-4d1c-7c2e-9a55-1f6f0f3c9d{n}" for n in (21, 31, 32))

FIRST_YEAR, LAST_YEAR = 2000, 2100


def _in_utc(moment: dt.datetime) -> dt.datetime:
    """The moment in UTC; years that no booking is in would not fit into every zone."""
    if not FIRST_YEAR < moment.year < LAST_YEAR:
        raise ValueError(f"the year {moment.year} cannot be right")
    return moment.astimezone(dt.UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Reference = Annotated[str, Field(min_length=1, max_length=64)]
Word = Annotated[str, Field(min_length=1, max_length=40)]
Words = Annotated[list[Word], Field(max_length=20)]
Notes = Annotated[str, Field(max_length=2_000)]
Companions = Annotated[int, Field(ge=0, le=20)]
Crew = Annotated[int, Field(ge=1, le=4)]
ServiceMinutes = Annotated[float, Field(ge=0, le=240)]
RideMinutes = Annotated[float, Field(ge=1, le=1_440)]
Priority = Annotated[int, Field(ge=0, le=100)]
Purpose = Annotated[str, Field(min_length=1, max_length=40)]
PayerReference = Annotated[str, Field(min_length=1, max_length=80)]
ShareGroup = Annotated[str, Field(max_length=40)]


class LegTimes(BaseModel):
    """When one leg is; at least one moment, or `will_call`."""

    model_config = ConfigDict(extra="forbid")

    day: dt.date | None = Field(
        None, description="The company's local day; needed only for a will-call leg without a time."
    )
    pickup_from: Moment | None = None
    pickup_to: Moment | None = None
    appointment_at: Moment | None = Field(None, description="Drop-off by.")
    will_call: bool = Field(False, description="Somebody says when the patient is ready.")
    ready_forecast: Moment | None = None
    reference: Reference | None = Field(None, description="Your own id; unique in the company.")
    notes: Notes | None = Field(None, description="Sealed under the patient's key.")


class TransportNeeds(BaseModel):
    """What the transport needs; rules by mobility fill what is left out."""

    model_config = ConfigDict(extra="forbid")

    mobility: Mobility | None = Field(None, description="The patient's, if left out.")
    companions: Companions = 0
    equipment: Words = []
    skills: Words = []
    crew_needed: Crew | None = None
    ride_alone: bool = False
    share_group: ShareGroup = ""
    service_pickup_min: ServiceMinutes | None = None
    service_dropoff_min: ServiceMinutes | None = None
    max_ride_min: RideMinutes | None = None
    purpose: Purpose | None = None
    priority: Priority = 0
    payer_reference: PayerReference | None = None


ALLER_EXAMPLE: dict[str, Any] = {
    "patient_id": PATIENT,
    "direction": "ALLER",
    "pickup_place_id": HOME,
    "dropoff_place_id": CLINIC,
    "pickup_from": "2026-03-16T08:10:00+01:00",
    "pickup_to": "2026-03-16T08:30:00+01:00",
    "appointment_at": "2026-03-16T09:00:00+01:00",
    "mobility": "wheelchair",
    "purpose": "dialysis",
    "notes": "Ring twice.",
}


class NewBooking(LegTimes, TransportNeeds):
    """One leg to be transported."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [ALLER_EXAMPLE]})

    patient_id: UUID
    direction: Direction = Direction.ALLER
    linked_booking_id: UUID | None = Field(None, description="The ALLER of this RETOUR.")
    pickup_place_id: UUID
    dropoff_place_id: UUID

    @model_validator(mode="after")
    def link_is_on_the_return(self) -> Self:
        if self.linked_booking_id is not None and self.direction is Direction.ALLER:
            raise ValueError("linked_booking_id stands on the RETOUR and names its ALLER")
        return self


class NewRoundTrip(TransportNeeds):
    """There and back in one call: an ALLER, and a RETOUR at a known time or on call."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "patient_id": PATIENT,
                    "pickup_place_id": HOME,
                    "dropoff_place_id": CLINIC,
                    "outbound": {"appointment_at": "2026-03-16T09:00:00+01:00"},
                    "inbound": {"will_call": True},
                    "mobility": "wheelchair",
                    "purpose": "dialysis",
                }
            ]
        },
    )

    patient_id: UUID
    pickup_place_id: UUID
    dropoff_place_id: UUID
    return_place_id: UUID | None = Field(None, description="Where the RETOUR ends, if elsewhere.")
    outbound: LegTimes
    inbound: LegTimes

    def legs(self) -> tuple[NewBooking, NewBooking]:
        """The ALLER and the RETOUR; their ids are not known yet, so they are not linked."""
        needs = self.model_dump(include=set(TransportNeeds.model_fields))
        aller = NewBooking(
            patient_id=self.patient_id,
            direction=Direction.ALLER,
            pickup_place_id=self.pickup_place_id,
            dropoff_place_id=self.dropoff_place_id,
            **(needs | self.outbound.model_dump()),
        )
        retour = NewBooking(
            patient_id=self.patient_id,
            direction=Direction.RETOUR,
            pickup_place_id=self.dropoff_place_id,
            dropoff_place_id=self.return_place_id or self.pickup_place_id,
            **(needs | self.inbound.model_dump()),
        )
        return aller, retour


CLEARABLE = frozenset(
    {
        "pickup_from",
        "pickup_to",
        "appointment_at",
        "ready_forecast",
        "reference",
        "notes",
        "crew_needed",
        "service_pickup_min",
        "service_dropoff_min",
        "max_ride_min",
        "purpose",
        "payer_reference",
    }
)


class BookingChange(BaseModel):
    """What to change of a booking: what is left out stays, null clears."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"appointment_at": "2026-03-16T09:30:00+01:00", "companions": 1}]
        },
    )

    day: dt.date | None = None
    pickup_place_id: UUID | None = None
    dropoff_place_id: UUID | None = None
    pickup_from: Moment | None = None
    pickup_to: Moment | None = None
    appointment_at: Moment | None = None
    will_call: bool | None = None
    ready_forecast: Moment | None = None
    reference: Reference | None = None
    notes: Notes | None = None
    mobility: Mobility | None = None
    companions: Companions | None = None
    equipment: Words | None = None
    skills: Words | None = None
    crew_needed: Crew | None = None
    ride_alone: bool | None = None
    share_group: ShareGroup | None = None
    service_pickup_min: ServiceMinutes | None = None
    service_dropoff_min: ServiceMinutes | None = None
    max_ride_min: RideMinutes | None = None
    purpose: Purpose | None = None
    priority: Priority | None = None
    payer_reference: PayerReference | None = None

    @model_validator(mode="after")
    def only_some_can_be_cleared(self) -> Self:
        values = {name: getattr(self, name) for name in self.model_fields_set - CLEARABLE}
        for name, value in sorted(values.items()):
            if value is None:
                raise ValueError(f"{name} cannot be null; leave it out to keep it")
        return self


BOOKING_EXAMPLE: dict[str, Any] = ALLER_EXAMPLE | {
    "id": ID,
    "reference": "B-1042",
    "linked_booking_id": None,
    "day": "2026-03-16",
    "state": "confirmed",
    "reason": None,
    "version": 1,
    "booked_by": "m.favre",
    "created_at": "2026-03-10T14:02:11+01:00",
}
RETURN_EXAMPLE: dict[str, Any] = BOOKING_EXAMPLE | {
    "id": RETURN_ID,
    "reference": "B-1043",
    "direction": "RETOUR",
    "linked_booking_id": ID,
    "pickup_place_id": CLINIC,
    "dropoff_place_id": HOME,
    "pickup_from": None,
    "pickup_to": None,
    "appointment_at": None,
    "will_call": True,
    "state": "awaiting_ready",
}


class Booking(BaseModel):
    """A booking as it stands; its `version` is also the answer's ETag."""

    model_config = ConfigDict(json_schema_extra={"examples": [BOOKING_EXAMPLE]})

    id: UUID
    reference: str | None
    patient_id: UUID
    direction: Direction
    linked_booking_id: UUID | None
    day: dt.date
    pickup_place_id: UUID
    dropoff_place_id: UUID
    pickup_from: AwareDatetime | None
    pickup_to: AwareDatetime | None
    appointment_at: AwareDatetime | None
    will_call: bool
    ready_forecast: AwareDatetime | None
    ready_at: AwareDatetime | None
    mobility: Mobility
    companions: int
    equipment: list[str]
    skills: list[str]
    crew_needed: int | None
    ride_alone: bool
    share_group: str
    service_pickup_min: float | None
    service_dropoff_min: float | None
    max_ride_min: float | None
    purpose: str | None
    priority: int
    payer_reference: str | None
    notes: str | None = Field(description="null without notes, and once the patient was erased")
    state: BookingState
    reason: str | None = Field(description="Why it is in this state, where there is a reason.")
    on_hold: bool
    locked_duty_id: UUID | None
    booked_by: str
    version: int
    created_at: AwareDatetime


class RoundTrip(BaseModel):
    """Both legs of a round trip."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"outbound": BOOKING_EXAMPLE, "inbound": RETURN_EXAMPLE}]}
    )

    outbound: Booking
    inbound: Booking


class BookingTransition(BaseModel):
    """An entry of the history; hold, lock and edit leave the state as it was."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "from_state": "confirmed",
                    "to_state": "cancelled",
                    "at": "2026-03-16T07:31:00+01:00",
                    "by": "m.favre",
                    "reason": "hospital stay",
                    "late": True,
                }
            ]
        }
    )

    from_state: BookingState | None
    to_state: BookingState
    at: AwareDatetime
    by: str
    reason: str | None
    late: bool
