"""A duty: a vehicle with one or two crew for a time; what it is to planning, and its breaks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from dispatch_api.drivers.domain import Break, DriverKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time from a begin to an end, both aware."""

    begin: datetime
    end: datetime

    def overlaps(self, other: Span) -> bool:
        """Whether the two share any time; one may begin at the moment when the other ends."""
        return self.begin < other.end and other.begin < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDuty:
    """A duty as the database keeps it; the first of the crew drives."""

    id: UUID
    name: str
    day: date
    vehicle_id: UUID
    crew: tuple[UUID, ...]
    starts_at: datetime
    ends_at: datetime
    start_place_id: UUID | None
    end_place_id: UUID | None
    created_at: datetime
    cancelled_at: datetime | None = None
    version: int = 1

    @property
    def span(self) -> Span:
        return Span(begin=self.starts_at, end=self.ends_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyOfDay:
    """All that planning needs to know of a duty.

    `skills` are the crew's that are valid on the day, `breaks` those of the first crew member
    that have to be taken during this duty, their windows clipped to it.
    """

    id: UUID
    version: int
    name: str
    vehicle: str
    driver: str
    driver_kind: DriverKind
    seats: int
    wheelchairs: int
    stretchers: int
    fold_seats_per_wheelchair: int
    fold_seats_per_stretcher: int
    equipment: frozenset[str]
    skills: frozenset[str]
    crew: int
    breaks: tuple[Break, ...]
    starts_at: datetime
    ends_at: datetime
    start_place_id: UUID | None
    end_place_id: UUID | None


@dataclass(frozen=True, slots=True)
class SharedBreaks:
    """Where the breaks of a shift are taken; `impossible` are those that fit nowhere."""

    in_duty: dict[UUID, list[Break]] = field(default_factory=dict)
    impossible: list[Break] = field(default_factory=list)


def share_breaks(breaks: Iterable[Break], duties: Mapping[UUID, Span]) -> SharedBreaks:
    """Give each break of a shift to its driver's free time, else to one of the duties.

    A break that fits between duties is taken there and does not concern a route; any other one
    goes, once, to the duty that leaves it the widest window. Each free time serves one break.
    """
    shared = SharedBreaks()
    used: list[Span] = []
    for pause in breaks:
        free = _free_time(pause, duties.values(), used)
        if free is not None:
            used.append(free)
            continue
        windows = {key: pause.within(span.begin, span.end) for key, span in duties.items()}
        fitting = {key: clipped for key, clipped in windows.items() if clipped is not None}
        if not fitting:
            shared.impossible.append(pause)
            continue
        widest = max(fitting, key=lambda key: fitting[key].latest - fitting[key].earliest)
        shared.in_duty.setdefault(widest, []).append(fitting[widest])
    return shared


def _free_time(pause: Break, duties: Iterable[Span], used: list[Span]) -> Span | None:
    """The first time within the break's window that is long enough and belongs to no duty."""
    begin = pause.earliest
    for span in sorted([*duties, *used], key=lambda span: span.begin):
        if pause.within(begin, span.begin) is not None:
            return Span(begin=begin, end=min(span.begin, pause.latest))
        begin = max(begin, span.end)
    if pause.within(begin, pause.latest) is not None:
        return Span(begin=begin, end=pause.latest)
    return None
