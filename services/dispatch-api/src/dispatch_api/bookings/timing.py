"""When a booking can be: its windows must be possible, and say on which local day it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

LONGEST_SPAN = timedelta(hours=24)
HORIZON = timedelta(days=400)


class Times(Protocol):
    """The moments of a booking, however it is held."""

    @property
    def pickup_from(self) -> datetime | None: ...
    @property
    def pickup_to(self) -> datetime | None: ...
    @property
    def appointment_at(self) -> datetime | None: ...
    @property
    def will_call(self) -> bool: ...
    @property
    def ready_forecast(self) -> datetime | None: ...
    @property
    def day(self) -> date | None: ...


def first_moment(times: Times) -> datetime | None:
    """The moment that puts a booking on a day; None for a will-call leg without a forecast."""
    moments = (times.pickup_from, times.pickup_to, times.ready_forecast, times.appointment_at)
    return next((moment for moment in moments if moment is not None), None)


def local_day(times: Times, zone: ZoneInfo) -> date | None:
    """The company's day of the booking: that of its first moment, else the one it names."""
    moment = first_moment(times)
    return moment.astimezone(zone).date() if moment else times.day


def wrong_times(times: Times, zone: ZoneInfo, now: datetime) -> Iterator[tuple[str, str]]:
    """Each field that cannot be right, with what is wrong and how it would be."""
    yield from _out_of_bounds(times, now)
    yield from _wrong_windows(times)
    moment = first_moment(times)
    if moment is None:
        yield from _wrong_without_time(times)
    elif times.day is not None and moment.astimezone(zone).date() != times.day:
        local = moment.astimezone(zone)
        yield "day", f"is not the day of {local:%Y-%m-%d %H:%M} in {zone.key}; leave it out"


def _out_of_bounds(times: Times, now: datetime) -> Iterator[tuple[str, str]]:
    for name in ("pickup_from", "pickup_to", "appointment_at", "ready_forecast"):
        moment = getattr(times, name)
        if moment is not None and abs(moment - now) > HORIZON:
            yield name, f"is more than {HORIZON.days} days from now; check the year"
    if times.day is not None and abs(times.day - now.date()) > HORIZON:
        yield "day", f"is more than {HORIZON.days} days from now; check the year"


def _wrong_windows(times: Times) -> Iterator[tuple[str, str]]:
    opens, closes, appointment = times.pickup_from, times.pickup_to, times.appointment_at
    if opens and closes and closes < opens:
        yield "pickup_to", "the window closes before it opens"
    if opens and closes and closes - opens > LONGEST_SPAN:
        yield "pickup_to", "the window is wider than 24 hours"
    opens = (times.ready_forecast if times.will_call else opens) or opens or closes
    if opens and appointment and appointment < opens:
        yield "appointment_at", "the appointment is before the pickup"
    if opens and appointment and appointment - opens > LONGEST_SPAN:
        yield "appointment_at", "the appointment is more than 24 hours after the pickup"
    if times.ready_forecast and not times.will_call:
        yield "ready_forecast", "needs will_call; use pickup_from for a time that is known"


def _wrong_without_time(times: Times) -> Iterator[tuple[str, str]]:
    if not times.will_call:
        yield "pickup_from", "give pickup_from, pickup_to or appointment_at, or will_call"
    elif times.day is None:
        yield "day", "a will-call leg without a time needs its day"
