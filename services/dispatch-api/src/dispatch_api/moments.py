"""Moments and days that clients send: within reason; moments are aware, and kept in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

FIRST = datetime(2000, 1, 1, tzinfo=UTC)
LAST = datetime(2200, 1, 1, tzinfo=UTC)


def _in_utc(moment: datetime) -> datetime:
    if not FIRST <= moment < LAST:
        raise ValueError("the year must be within 2000 and 2199")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""What a request carries; answers are in UTC."""


def _within_reason(day: date) -> date:
    if not FIRST.date() <= day < LAST.date():
        raise ValueError("the year must be within 2000 and 2199")
    return day


LocalDay = Annotated[date, AfterValidator(_within_reason)]
"""A day of which the first and the last moment are needed."""
