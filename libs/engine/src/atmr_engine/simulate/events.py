"""What happens on a day, one flat record per event, and its JSON lines.

The record of a day is the list of its events; all results follow from it (`results.py`), whether
the day was simulated just now or is read from a file.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from atmr_engine.plan import StopKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class EventKind(StrEnum):
    """What can happen."""

    BOOKED = "booked"  # a request of the day comes in
    TOLD = "told"  # a patient is told the pickup time `told_s`
    MOVED = "moved"  # a decision plans a pickup away from the time that was told
    CANCELLED = "cancelled"  # a request is called off
    READY = "ready"  # a will-call patient can be fetched
    NOT_READY = "not_ready"  # a vehicle would leave for a will-call patient who is not ready
    BROKEN_DOWN = "broken_down"  # a vehicle takes nobody up any more
    DEPARTED = "departed"  # a vehicle leaves for `stop` at `place`
    ARRIVED = "arrived"
    BEGAN = "began"  # service or a break begins
    ENDED = "ended"  # service, cleaning included, or a break is over
    NO_SHOW = "no_show"  # the patient is not there
    HELD = "held"  # a return leg falls away with the leg before it
    REFUSED = "refused"  # a decision is not carried out: it would break a rule or a commitment


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event: when (seconds), what, and whom it concerns; `detail` says why, in words."""

    at_s: float
    kind: EventKind
    request: str | None = None
    duty: str | None = None
    stop: StopKind | None = None
    place: int | None = None
    told_s: float | None = None
    detail: str | None = None


class RecordError(ValueError):
    """A line that is no event; `line` counts from 1, empty lines left out."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


def as_lines(events: Iterable[Event]) -> Iterator[str]:
    """One line of JSON for each event, without what it does not say."""
    for event in events:
        said = {name: value for name, value in asdict(event).items() if value is not None}
        yield json.dumps(said, ensure_ascii=False, allow_nan=False)


def from_lines(lines: Iterable[str]) -> list[Event]:
    """The events of a recorded day, in order; empty lines are passed over.

    Raises:
        RecordError: naming the line that is no event, or goes back in time.

    """
    events: list[Event] = []
    written = (line for line in lines if line.strip())
    for number, line in enumerate(written, start=1):
        event = _event(number, line)
        if events and event.at_s < events[-1].at_s:
            raise RecordError(number, f"goes back from {events[-1].at_s} to {event.at_s} s")
        events.append(event)
    return events


def _event(number: int, line: str) -> Event:
    try:
        said: dict[str, Any] = json.loads(line)
        kind = EventKind(said.pop("kind"))
        stop = said.pop("stop", None)
        event = Event(kind=kind, stop=None if stop is None else StopKind(stop), **said)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RecordError(number, f"is no event: {error!r}") from error
    if not isinstance(event.at_s, int | float) or not math.isfinite(event.at_s):
        raise RecordError(number, f"at_s must be a finite number, not {event.at_s!r}")
    return event
