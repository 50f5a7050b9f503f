"""Bookings and duties in domain words, as a CSV file or a database knows them.

Moments are aware datetimes, places are addresses and WGS84 points, durations are minutes. Both
doors (CSV, dispatch-api) make these records, so that there is one way from a day to a Problem.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from atmr_engine.problem import Capacity, DriverKind, SameDriver

if TYPE_CHECKING:
    from collections.abc import Iterator


class DayError(ValueError):
    """A record that cannot be right; `subject` is its id, `field` the part that is wrong."""

    def __init__(self, subject: str, field_name: str, message: str) -> None:
        super().__init__(f"{subject}, {field_name}: {message}")
        self.subject = subject
        self.field = field_name


class Direction(StrEnum):
    """Outbound (home to care) or return."""

    ALLER = "ALLER"
    RETOUR = "RETOUR"


class Mobility(StrEnum):
    """How the patient travels, which decides the kind of place in the vehicle."""

    AMBULATORY = "ambulatory"
    WHEELCHAIR = "wheelchair"
    STRETCHER = "stretcher"


class Point(NamedTuple):
    """A place on Earth: WGS84 latitude and longitude in degrees."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An address, a point, or both; without a point the caller geocodes before planning."""

    address: str = ""
    point: Point | None = None

    @property
    def label(self) -> str:
        """What a person reads: the address, or the coordinates where there is none."""
        if self.address or self.point is None:
            return self.address
        return f"{self.point.lat:.5f}, {self.point.lon:.5f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingRecord:
    """One leg of transport of one patient.

    `pickup_from` to `pickup_to` is when the pickup begins, `appointment_at` when the patient must
    be there at the latest; what is missing is filled by `DayRules`. The window of a `will_call`
    leg opens at `ready_forecast`, which is no forecast any more once the patient said so
    (`ready_known`). `linked_booking_id` on a RETOUR names its ALLER. None in `crew_needed`, a
    service or `max_ride_min` (minutes): the rule by mobility or distance applies. `ready_known`,
    `skills`, `cleaning_min`, `same_driver` and `locked_duty` have no CSV column.

    Raises:
        DayError: naming the field, for a naive datetime (all moments must be aware).

    """

    id: str
    mobility: Mobility
    pickup: Place
    dropoff: Place
    patient_ref: str = ""
    direction: Direction = Direction.ALLER
    linked_booking_id: str | None = None
    pickup_from: datetime | None = None
    pickup_to: datetime | None = None
    appointment_at: datetime | None = None
    will_call: bool = False
    ready_forecast: datetime | None = None
    ready_known: bool = False
    companions: int = 0
    equipment: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    crew_needed: int | None = None
    ride_alone: bool = False
    share_group: str = ""
    service_pickup_min: float | None = None
    service_dropoff_min: float | None = None
    max_ride_min: float | None = None
    cleaning_min: float = 0.0
    priority: int = 0
    same_driver: SameDriver | None = None
    locked_duty: str | None = None
    notes: str = ""

    def __post_init__(self) -> None:
        _refuse_naive(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakRecord:
    """A pause of `minutes`, all of it between `earliest` and `latest` where they are given."""

    minutes: float
    earliest: datetime | None = None
    latest: datetime | None = None

    def __post_init__(self) -> None:
        _refuse_naive(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyRecord:
    """A vehicle with one or two crew for a shift.

    Without `start` the route begins at its first stop; without `end` it ends at its last.
    `out_of_service` are moments from and to which the vehicle is away; its inspection is valid
    through the day `inspection_until` (None: not known to expire). Neither has a CSV column.

    Raises:
        DayError: naming the field, for a naive datetime.

    """

    id: str
    driver: str
    vehicle: str
    capacity: Capacity
    shift_start: datetime
    shift_end: datetime
    driver_kind: DriverKind = DriverKind.REGULAR
    equipment: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    crew: int = 1
    start: Point | None = None
    end: Point | None = None
    breaks: tuple[BreakRecord, ...] = ()
    out_of_service: tuple[tuple[datetime, datetime], ...] = ()
    inspection_until: date | None = None

    def __post_init__(self) -> None:
        _refuse_naive(self)


def _refuse_naive(record: BookingRecord | BreakRecord | DutyRecord) -> None:
    for part in fields(record):
        for value in _moments(getattr(record, part.name)):
            if value.utcoffset() is None:
                subject = getattr(record, "id", "break")
                raise DayError(subject, part.name, f"{value.isoformat()} has no time zone")


def _moments(value: object) -> Iterator[datetime]:
    """The datetimes of a field, those within tuples included."""
    if isinstance(value, datetime):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _moments(part)
