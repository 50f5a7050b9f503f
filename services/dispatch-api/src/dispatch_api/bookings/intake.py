"""What becomes of what was asked for: a booking with its day, its state, and why it waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from atmr_common.runtime.identifiers import new_id
from atmr_common.web.problems import FieldProblem, InvalidError
from dispatch_api.bookings.domain import BookingState, StoredBooking, Transition
from dispatch_api.bookings.related_repository import TransportedPatient
from dispatch_api.bookings.schemas import NewBooking
from dispatch_api.bookings.timing import Times, first_moment, local_day, wrong_times
from dispatch_api.patients.vault import PatientVault
from dispatch_api.places.domain import LocatedPlace

Places = Mapping[UUID, LocatedPlace]
TAKEN_OVER = tuple(NewBooking.model_fields.keys() - {"day", "notes", "mobility"})
"""What a booking has as it was asked for."""


@dataclass(frozen=True, kw_only=True)
class Intake:
    """Makes bookings of requests, within one company and by one person."""

    vault: PatientVault
    zone: ZoneInfo
    now: datetime
    booked_by: str

    def booking(
        self, new: NewBooking, patient: TransportedPatient, places: Places
    ) -> StoredBooking:
        """The booking as it will be stored; its times must have been checked."""
        day = local_day(new, self.zone)
        if day is None:
            raise ValueError("a booking without a day was not checked")
        values = {name: getattr(new, name) for name in TAKEN_OVER}
        return StoredBooking(
            **values,
            id=new_id(),
            day=day,
            mobility=new.mobility or patient.mobility,
            sealed_notes=sealed_notes(self.vault, patient, new.patient_id, new.notes),
            state=settled_state(new, waiting_reason(new, places)),
            ready_at=None,
            on_hold=False,
            locked_duty_id=None,
            booked_by=self.booked_by,
            version=1,
            created_at=self.now,
        )

    def check_times(self, times: Times, where: str = "#/body") -> None:
        """Raises InvalidError with a pointer to each wrong field below `where`."""
        wrong = [
            FieldProblem(pointer=f"{where}/{field}", detail=detail)
            for field, detail in wrong_times(times, self.zone, self.now)
        ]
        if wrong:
            raise InvalidError("The times of the booking cannot be right.", errors=wrong)

    def beginning(self, booking: StoredBooking, places: Places) -> list[Transition]:
        """The first entries of the booking's history."""
        reason = waiting_reason(booking, places)
        asked = Transition(
            booking_id=booking.id,
            from_state=None,
            to_state=BookingState.REQUESTED,
            at=self.now,
            by=self.booked_by,
            reason=reason,
        )
        if booking.state is BookingState.REQUESTED:
            return [asked]
        settled = Transition(
            booking_id=booking.id,
            from_state=BookingState.REQUESTED,
            to_state=booking.state,
            at=self.now,
            by=self.booked_by,
        )
        return [asked, settled]


def settled_state(times: Times, coarse: str | None) -> BookingState:
    """Where a booking goes by itself: coarse places wait for a person, will-calls for a time."""
    if coarse is not None:
        return BookingState.REQUESTED
    if first_moment(times) is None:
        return BookingState.AWAITING_READY
    return BookingState.CONFIRMED


def waiting_reason(ends: NewBooking | StoredBooking, places: Places) -> str | None:
    """Why the booking cannot be confirmed by itself; None when it can."""
    for name, place in (
        ("pickup", places[ends.pickup_place_id]),
        ("drop-off", places[ends.dropoff_place_id]),
    ):
        if not place.dispatchable:
            known = f"known to the {place.precision} only" if place.precision else "not located"
            return f"The {name} is {known}: correct its pin, then confirm the booking."
    return None


def sealed_notes(
    vault: PatientVault, patient: TransportedPatient, patient_id: UUID, notes: str | None
) -> bytes | None:
    """Notes under the patient's key."""
    return vault.seal(patient.data_key, patient_id, {"notes": notes}) if notes else None


def opened_notes(
    vault: PatientVault, patient: TransportedPatient | None, booking: StoredBooking
) -> str | None:
    """The notes again; None once the patient was erased."""
    if booking.sealed_notes is None or patient is None:
        return None
    notes = vault.open(patient.data_key, booking.patient_id, booking.sealed_notes)["notes"]
    return str(notes)
