"""The one catalogue: which event travels on which topic, and how each topic is kept.

AsyncAPI, the topics on the broker and the relay are all made from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from atmr_common.contracts import alerts, bookings, decisions, dispatch, models, positions
from atmr_common.contracts.envelope import Event

BOOKING = "dispatch.booking.v1"
ASSIGNMENT = "dispatch.assignment.v1"
PLAN = "dispatch.plan.v1"
RUN = "dispatch.run.v1"
POSITION = "dispatch.position.v1"
DECISION = "dispatch.decision.v1"
MODEL = "model.v1"
ALERT = "alert.v1"

SCHEMA_URN = "urn:atmr:"
"""With the event's type: its `dataschema`, and the name of its schema in the AsyncAPI document."""

WEEK_HOURS = 168
"""A consumer remembers for two weeks what it took in, so a topic must forget before that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSettings:
    """How the broker keeps a topic; `None` as retention means for ever.

    `key` says what the key of a record is: records of one key are in order, whatever happens to
    others. A broker deletes whole closed segments, so what is told stays for `retention_hours`
    and up to `segment_hours` more; a dead-letter topic must not keep longer than its topic.
    Adding partitions later moves keys, so the number is chosen for years.
    """

    summary: str
    key: str
    partitions: int
    retention_hours: int | None = WEEK_HOURS
    segment_hours: int = 24
    compacted: bool = False

    @property
    def longest_hours(self) -> int | None:
        """For how long a record can be there at most; None: for ever."""
        if self.retention_hours is None or self.compacted:
            return None
        return self.retention_hours + self.segment_hours


TOPICS: dict[str, TopicSettings] = {
    BOOKING: TopicSettings(summary="A booking's life.", key="booking id", partitions=12),
    ASSIGNMENT: TopicSettings(
        summary="Bookings enter and leave routes, and crews report.",
        key="booking id",
        partitions=12,
    ),
    PLAN: TopicSettings(
        summary="Committed plans of a company's day.", key="company id:day", partitions=6
    ),
    RUN: TopicSettings(
        summary="Dispatch runs of a company's day.",
        key="company id:day",
        partitions=6,
        retention_hours=72,
    ),
    POSITION: TopicSettings(
        summary="Where vehicles are, and how far from the next stop; gone after 72 hours.",
        key="driver id",
        partitions=12,
        retention_hours=70,
        segment_hours=1,
    ),
    DECISION: TopicSettings(
        summary="What was decided between which candidates, and what came of it.",
        key="booking id",
        partitions=6,
        retention_hours=240,
    ),
    MODEL: TopicSettings(
        summary="Models that were published, promoted and rolled back; the whole history.",
        key="model name",
        partitions=1,
        retention_hours=None,
    ),
    ALERT: TopicSettings(summary="An alert's life.", key="alert id", partitions=6),
}


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """Where events of one type travel."""

    topic: str
    model: type[Event]

    @property
    def type(self) -> str:
        """The CloudEvents type, as `dispatch.booking.v1.BookingRequested`."""
        return f"{self.topic}.{self.model.__name__}"

    @property
    def dataschema(self) -> str:
        """The CloudEvents dataschema: a URN that ends in the schema's name."""
        return SCHEMA_URN + self.type


CATALOGUE: dict[type[Event], CatalogueEntry] = {
    model: CatalogueEntry(topic, model)
    for topic, events in {
        BOOKING: (
            bookings.BookingRequested,
            bookings.BookingChanged,
            bookings.BookingReady,
            bookings.BookingCancelled,
            bookings.BookingNoShow,
        ),
        ASSIGNMENT: (
            dispatch.AssignmentProposed,
            dispatch.AssignmentCommitted,
            dispatch.AssignmentReleased,
            dispatch.AssignmentProgressed,
        ),
        PLAN: (dispatch.PlanCommitted,),
        RUN: (dispatch.RunRequested, dispatch.RunCompleted, dispatch.RunFailed),
        POSITION: (positions.PositionReported,),
        DECISION: (decisions.DecisionRecorded, decisions.OutcomeObserved),
        MODEL: (models.ModelPublished, models.ModelPromoted, models.ModelRolledBack),
        ALERT: (
            alerts.AlertRaised,
            alerts.AlertUpdated,
            alerts.AlertAcknowledged,
            alerts.AlertResolved,
        ),
    }.items()
    for model in events
}

BY_TYPE: dict[str, CatalogueEntry] = {entry.type: entry for entry in CATALOGUE.values()}
"""The same by CloudEvents type, for a consumer that has only the headers."""
