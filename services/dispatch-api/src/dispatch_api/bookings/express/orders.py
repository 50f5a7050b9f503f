"""An order: a request for one leg that may take the express path, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson

from atmr_common.database.idempotency import RepeatableRequest
from atmr_common.web.access import Caller
from atmr_common.web.problems import ProblemError
from dispatch_api.bookings.domain import BookingState, Mobility, StoredBooking, Transition
from dispatch_api.bookings.intake import Intake, waiting_reason
from dispatch_api.bookings.related_repository import TransportedPatient
from dispatch_api.bookings.schemas import Booking, NewBooking
from dispatch_api.geocoding.port import Precision, dispatchable
from dispatch_api.patients.vault import PatientVault, SealError
from dispatch_api.places.domain import LocatedPlace

PATH = "/v1/bookings"
EMPTY: dict[str, Any] = dict.fromkeys(Booking.model_fields)
STORED = tuple(name for name in EMPTY if name not in {"notes", "reason"})
VALUES = attrgetter(*STORED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Who asks for what, and under which key of their own."""

    caller: Caller
    new: NewBooking
    repeatable: RepeatableRequest | None
    traceparent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the database knows for an order; a place is its precision, point, owner and seal."""

    zone: str
    quotas: Mapping[str, Any]
    booked_today: float | None
    data_key: bytes | None
    mobility: str | None
    pickup: tuple[str | None, float | None, UUID | None, bytes | None]
    dropoff: tuple[str | None, float | None, UUID | None, bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A booking that is ready to be written, with its answer."""

    order: Order
    booking: StoredBooking
    history: list[Transition]
    today: date
    answer: bytes

    @property
    def headers(self) -> dict[str, str]:
        """Of the answer, as the usual path gives them."""
        return {
            "content-type": "application/json",
            "etag": f'"{self.booking.version}"',
            "location": f"{PATH}/{self.booking.id}",
        }

    @property
    def key_name(self) -> str | None:
        """The name under which the answer is kept."""
        request = self.order.repeatable
        return f"{request.subject} {request.digest}" if request else None


def accept(order: Order, found: Found, intake: Intake) -> Accepted | None:
    """The booking of an order that is complete and confirmed at once, or waits for a call only.

    None for every other one: whatever is not plain sailing is answered by the usual path.
    """
    try:
        return _accepted(order, found, intake)
    except (ProblemError, SealError):
        return None


def _accepted(order: Order, found: Found, intake: Intake) -> Accepted | None:
    places = _places(order.new, found, intake.vault)
    if found.data_key is None or found.mobility is None or places is None:
        return None
    if waiting_reason(order.new, places):
        return None
    intake.check_times(order.new)
    patient = TransportedPatient(data_key=found.data_key, mobility=Mobility(found.mobility))
    booking = intake.booking(order.new, patient, places)
    if booking.state is BookingState.REQUESTED:
        return None
    history = intake.beginning(booking, places)
    return Accepted(
        order=order,
        booking=booking,
        history=history,
        today=intake.now.astimezone(intake.zone).date(),
        answer=_answer(order, booking),
    )


def _answer(order: Order, booking: StoredBooking) -> bytes:
    """The booking as the usual path shows it; no transition of it has a reason."""
    values = EMPTY.copy()
    values.update(zip(STORED, VALUES(booking), strict=True))
    values["notes"] = order.new.notes or None
    return orjson.dumps(values, option=orjson.OPT_UTC_Z)


def _places(new: NewBooking, found: Found, vault: PatientVault) -> dict[UUID, LocatedPlace] | None:
    """Both ends, if they are known and, where they are homes, the patient's own."""
    places = {}
    for place_id, (precision, lat, owner, sealed) in (
        (new.pickup_place_id, found.pickup),
        (new.dropoff_place_id, found.dropoff),
    ):
        if precision is None:
            return None
        at = lat
        if owner is not None:
            if owner != new.patient_id or found.data_key is None or not sealed:
                return None
            at = vault.open(found.data_key, owner, sealed).get("lat")
        known = Precision(precision)
        places[place_id] = LocatedPlace(
            lat=at,
            lon=None,
            label="",
            precision=known,
            dispatchable=at is not None and dispatchable(known),
        )
    return places
