"""A booking's words and its state machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID


class Direction(StrEnum):
    ALLER = "ALLER"
    RETOUR = "RETOUR"


class Mobility(StrEnum):
    AMBULATORY = "ambulatory"
    WHEELCHAIR = "wheelchair"
    STRETCHER = "stretcher"


class BookingState(StrEnum):
    REQUESTED = "requested"
    AWAITING_READY = "awaiting_ready"
    CONFIRMED = "confirmed"
    ASSIGNED = "assigned"
    EN_ROUTE = "en_route"
    ARRIVED = "arrived"
    ON_BOARD = "on_board"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"

    @property
    def ended(self) -> bool:
        return not TRANSITIONS[self]

    @property
    def under_way(self) -> bool:
        """Whether a crew is busy with it, so that no plan may move it."""
        return self in UNDER_WAY


TRANSITIONS: dict[BookingState, frozenset[BookingState]] = {
    BookingState.REQUESTED: frozenset(
        {BookingState.CONFIRMED, BookingState.AWAITING_READY, BookingState.CANCELLED}
    ),
    BookingState.AWAITING_READY: frozenset({BookingState.CONFIRMED, BookingState.CANCELLED}),
    BookingState.CONFIRMED: frozenset({BookingState.ASSIGNED, BookingState.CANCELLED}),
    BookingState.ASSIGNED: frozenset(
        {BookingState.EN_ROUTE, BookingState.CONFIRMED, BookingState.CANCELLED}
    ),
    BookingState.EN_ROUTE: frozenset(
        {BookingState.ARRIVED, BookingState.ASSIGNED, BookingState.CANCELLED}
    ),
    BookingState.ARRIVED: frozenset(
        {BookingState.ON_BOARD, BookingState.NO_SHOW, BookingState.CANCELLED}
    ),
    BookingState.ON_BOARD: frozenset({BookingState.COMPLETED}),
    BookingState.COMPLETED: frozenset(),
    BookingState.CANCELLED: frozenset(),
    BookingState.NO_SHOW: frozenset(),
}
"""Where each state can go: released is assigned to confirmed, diverted en route to assigned."""

UNDER_WAY = frozenset({BookingState.EN_ROUTE, BookingState.ARRIVED, BookingState.ON_BOARD})
FIXED = UNDER_WAY | {BookingState.COMPLETED}
"""A plan keeps their duty and order."""
WAITING = frozenset(
    {
        BookingState.REQUESTED,
        BookingState.AWAITING_READY,
        BookingState.CONFIRMED,
        BookingState.ASSIGNED,
    }
)
"""No crew has begun with it."""


class IllegalTransitionError(Exception):
    """A state that cannot follow the present one; `allowed` are those that can."""

    def __init__(self, present: BookingState, wanted: BookingState) -> None:
        self.present = present
        self.wanted = wanted
        self.allowed = sorted(TRANSITIONS[present])
        can = ", ".join(self.allowed) or "none, the booking has ended"
        super().__init__(f"A booking that is {present} cannot become {wanted}; allowed: {can}.")


def check_transition(present: BookingState, wanted: BookingState) -> None:
    """Raises IllegalTransitionError unless `wanted` may follow `present`."""
    if wanted not in TRANSITIONS[present]:
        raise IllegalTransitionError(present, wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannableBooking:
    """What planning knows of a booking; durations are minutes, moments are aware."""

    id: UUID
    patient_id: UUID
    reference: str | None
    direction: Direction
    linked_booking_id: UUID | None
    day: date
    pickup_place_id: UUID
    dropoff_place_id: UUID
    pickup_from: datetime | None
    pickup_to: datetime | None
    appointment_at: datetime | None
    will_call: bool
    ready_forecast: datetime | None
    ready_at: datetime | None
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
    priority: int
    state: BookingState
    locked_duty_id: UUID | None
    version: int

    @property
    def fixed(self) -> bool:
        """Whether a crew is busy or done with it."""
        return self.state in FIXED

    @property
    def first_moment(self) -> datetime | None:
        """The moment that puts it on a day; None for a will-call leg without a forecast."""
        moments = (self.pickup_from, self.pickup_to, self.ready_forecast, self.appointment_at)
        return next((moment for moment in moments if moment is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBooking(PlannableBooking):
    """A booking with everything that is stored of it; the notes are sealed."""

    purpose: str | None
    payer_reference: str | None
    sealed_notes: bytes | None
    on_hold: bool
    booked_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """An entry of a booking's history; hold, lock and edit leave the state as it was."""

    booking_id: UUID
    from_state: BookingState | None
    to_state: BookingState
    at: datetime
    by: str
    reason: str | None = None
    late: bool = False


class NotPlannableError(Exception):
    """Bookings that no plan may assign any more; the run reads the day again."""

    def __init__(self, booking_ids: list[UUID]) -> None:
        self.booking_ids = booking_ids
        super().__init__(f"{len(booking_ids)} bookings cannot be assigned any more")
