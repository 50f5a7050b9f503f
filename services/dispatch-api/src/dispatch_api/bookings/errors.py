"""What can go wrong with bookings, as problems with a reason code each."""

from __future__ import annotations

from atmr_common.web.problems import ConflictError
from dispatch_api.bookings.domain import IllegalTransitionError


class TransitionRefusedError(ConflictError):
    code = "illegal_transition"
    title = "The booking cannot go to this state"

    @classmethod
    def of(cls, error: IllegalTransitionError) -> TransitionRefusedError:
        return cls(
            str(error),
            state=error.present.value,
            wanted=error.wanted.value,
            allowed=[state.value for state in error.allowed],
        )


class BookingOnHoldError(ConflictError):
    code = "booking_on_hold"
    title = "The booking is on hold"


class NotEditableError(ConflictError):
    code = "not_editable"
    title = "The booking cannot be changed any more"


class AlreadyLinkedError(ConflictError):
    code = "already_linked"
    title = "The outbound leg has its return already"


class ReferenceTakenError(ConflictError):
    code = "reference_taken"
    title = "Another booking has this reference"


class PlaceTooCoarseError(ConflictError):
    code = "place_too_coarse"
    title = "A place is not known well enough"


class NoShowTooEarlyError(ConflictError):
    code = "no_show_too_early"
    title = "It is too early for a no-show"
