"""Drivers: whom a duty can be given to, and when; what a shift and its breaks must be like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import permutations
from uuid import UUID

LONGEST_SHIFT = timedelta(hours=24)


class DriverKind(StrEnum):
    """Emergency drivers take what no regular one can."""

    REGULAR = "regular"
    EMERGENCY = "emergency"


class AbsenceReason(StrEnum):
    """Why a driver is away; never a diagnosis."""

    HOLIDAY = "holiday"
    ILLNESS = "illness"
    OTHER = "other"


class ShiftError(ValueError):
    """A shift or a break that cannot be worked; the message names the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A skill, proved until the end of `expires_on`, or for good."""

    skill: str
    expires_on: date | None = None

    def valid_on(self, day: date) -> bool:
        return self.expires_on is None or day <= self.expires_on

    def record(self) -> dict[str, str | None]:
        """As it is kept in the database; `of` is the way back."""
        expires = self.expires_on.isoformat() if self.expires_on else None
        return {"skill": self.skill, "expires_on": expires}

    @classmethod
    def of(cls, record: Mapping[str, str | None]) -> Credential:
        expires = record["expires_on"]
        return cls(
            skill=str(record["skill"]), expires_on=date.fromisoformat(expires) if expires else None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDriver:
    """A driver as the database keeps one; `subject` is the `sub` of their token."""

    id: UUID
    name: str
    kind: DriverKind
    subject: str | None
    credentials: tuple[Credential, ...]
    start_place_id: UUID | None
    created_at: datetime
    active: bool = True
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """A time when a driver is away."""

    id: UUID
    driver_id: UUID
    starts_at: datetime
    ends_at: datetime
    reason: AbsenceReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A pause of `minutes`, all of it between `earliest` and `latest`."""

    minutes: float
    earliest: datetime
    latest: datetime

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    def within(self, begin: datetime, end: datetime) -> Break | None:
        """The break with its window clipped to a time, or None where it does not fit."""
        earliest, latest = max(self.earliest, begin), min(self.latest, end)
        if latest - earliest < self.length:
            return None
        return Break(minutes=self.minutes, earliest=earliest, latest=latest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """When a driver works."""

    id: UUID
    driver_id: UUID
    starts_at: datetime
    ends_at: datetime
    breaks: tuple[Break, ...]
    version: int = 1

    def covers(self, begin: datetime, end: datetime) -> bool:
        return self.starts_at <= begin and end <= self.ends_at


def check_shift(starts_at: datetime, ends_at: datetime, breaks: Sequence[Break]) -> None:
    """Raises ShiftError unless the shift and its breaks can be worked, in elapsed time."""
    if not timedelta() < ends_at - starts_at <= LONGEST_SHIFT:
        raise ShiftError("A shift ends after it starts, and within 24 hours.")
    for pause in breaks:
        if not starts_at <= pause.earliest < pause.latest <= ends_at:
            raise ShiftError(
                f"The break from {pause.earliest:%H:%M} to {pause.latest:%H:%M} UTC is not inside "
                "the shift; move its window."
            )
        if pause.within(starts_at, ends_at) is None:
            window = (pause.latest - pause.earliest) / timedelta(minutes=1)
            raise ShiftError(
                f"A break of {pause.minutes:g} min does not fit into its window of {window:g} min; "
                "widen the window or shorten the break."
            )
    if not any(_one_after_the_other(order) for order in permutations(breaks)):
        raise ShiftError("The breaks cannot all be taken one after the other; widen their windows.")


def _one_after_the_other(breaks: Iterable[Break]) -> bool:
    free_at: datetime | None = None
    for pause in breaks:
        begin = pause.earliest if free_at is None else max(pause.earliest, free_at)
        free_at = begin + pause.length
        if free_at > pause.latest:
            return False
    return True
