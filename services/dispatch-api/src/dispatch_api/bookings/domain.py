"""A booking's words and its state machine."""

from __future__ import annotations

from enum import StrEnum


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
