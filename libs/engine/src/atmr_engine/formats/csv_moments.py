"""Times as people write them, made aware in the company's zone; never silently UTC."""

from __future__ import annotations

import difflib
import re
from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

_FULL = re.compile(
    r"((?:19|20)\d{2}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_CLOCK = re.compile(r"(\d{1,2}:\d{2}(?::\d{2})?)", re.ASCII)
EXAMPLE = "2026-03-12T08:30"


class MomentError(ValueError):
    """A text that names no moment; `remedy` says what to write instead."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def zone_named(name: str) -> ZoneInfo:
    """The time zone of that IANA name.

    Raises:
        MomentError: for a name that the time zone database does not have, with close ones.

    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        close = difflib.get_close_matches(name[:80], sorted(available_timezones()), n=3, cutoff=0.5)
        remedy = f"did you mean {' or '.join(close)}?" if close else "write one as Europe/Zurich"
        raise MomentError(f"the time zone {name[:80]!r} is unknown", remedy) from None


def moment_of(text: str, zone: tzinfo | None, day: date | None) -> datetime:
    """The aware moment that `text` names: ISO 8601, local in `zone` where it has no offset.

    A time without a date is on `day`.

    Raises:
        MomentError: for what is no time, has no zone or no day, or happens twice or never because
            the clocks change.

    """
    full, clock = _FULL.fullmatch(text), _CLOCK.fullmatch(text)
    if full is None and clock is None:
        raise MomentError(f"{text[:80]!r} is no time", f"write it as {EXAMPLE}")
    if full is not None and full[3]:
        moment = _iso(f"{full[1]}T{full[2]}{full[3]}")
        return moment if zone is None else moment.astimezone(zone)
    if zone is None:
        raise MomentError(
            f"{text!r} has no time zone", "name the zone (--zone Europe/Zurich) or write the offset"
        )
    if full is not None:
        return _localised(_iso(f"{full[1]}T{full[2]}"), zone)
    if day is None:
        raise MomentError(f"{text!r} has no date", f"write it as {EXAMPLE}, or name the day")
    clock_time = _iso(f"2000-01-01T{text.zfill(len(text) + (text.index(':') == 1))}").time()
    return _localised(datetime.combine(day, clock_time), zone)


def _iso(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise MomentError(f"{text!r} is no time ({error})", f"write it as {EXAMPLE}") from None


def _localised(naive: datetime, zone: tzinfo) -> datetime:
    """`naive` in `zone`; refused where the clocks skip it or show it twice."""
    first = naive.replace(tzinfo=zone, fold=0)
    second = naive.replace(tzinfo=zone, fold=1)
    shown = f"{naive:%Y-%m-%d %H:%M}"
    if first.utcoffset() == second.utcoffset():
        return first
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) != naive:
        raise MomentError(
            f"{shown} does not exist in {zone}: the clocks go forward",
            "write the time that the clocks show",
        )
    raise MomentError(
        f"{shown} happens twice in {zone}: the clocks go back",
        f"write its offset: {first.isoformat()} or {second.isoformat()}",
    )


def local_date(moment: datetime, zone: tzinfo | None) -> date:
    """The calendar day of a moment in `zone` (in its own offset where there is none)."""
    return (moment if zone is None else moment.astimezone(zone)).date()


def midnight(day: date, zone: tzinfo) -> datetime:
    """The first moment of `day` in `zone`."""
    return datetime.combine(day, time.min, tzinfo=zone)
