"""The one catalogue of events: type, topic and payload model."""

from __future__ import annotations

from dataclasses import dataclass

from atmr_common.contracts import bookings, dispatch
from atmr_common.contracts.envelope import Event

BOOKING = "dispatch.booking.v1"
ASSIGNMENT = "dispatch.assignment.v1"
PLAN = "dispatch.plan.v1"
RUN = "dispatch.run.v1"


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """Where events of one type travel."""

    topic: str
    model: type[Event]

    @property
    def type(self) -> str:
        """The CloudEvents type, as `dispatch.booking.v1.BookingRequested`."""
        return f"{self.topic}.{self.model.__name__}"


CATALOGUE: dict[type[Event], CatalogueEntry] = {
    model: CatalogueEntry(topic, model)
    for topic, models in {
        BOOKING: (
            bookings.BookingRequested,
            bookings.BookingChanged,
            bookings.BookingReady,
            bookings.BookingCancelled,
            bookings.BookingNoShow,
        ),
        ASSIGNMENT: (
            dispatch.AssignmentCommitted,
            dispatch.AssignmentReleased,
            dispatch.AssignmentProgressed,
        ),
        PLAN: (dispatch.PlanCommitted,),
        RUN: (dispatch.RunRequested, dispatch.RunCompleted, dispatch.RunFailed),
    }.items()
    for model in models
}
