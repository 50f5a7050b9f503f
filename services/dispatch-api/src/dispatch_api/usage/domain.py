"""What is counted of a company's use, and in which day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class UsageKind(StrEnum):
    """What is counted; sockets and webhooks come with their features."""

    BOOKINGS = "bookings"
    SOLVER_SECONDS = "solver_seconds"


@dataclass(frozen=True, slots=True)
class UsageDay:
    """A day of a company, in its zone, and the moment at which the next one begins."""

    day: date
    ends_at: datetime


def usage_day(now: datetime, zone: ZoneInfo) -> UsageDay:
    """The day that `now` counts to."""
    day = now.astimezone(zone).date()
    midnight = datetime.combine(day + timedelta(days=1), time.min, zone)
    return UsageDay(day, midnight.astimezone(UTC))
