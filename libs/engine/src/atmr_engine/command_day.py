"""A day of bookings in CSV for the command `atmr-engine`, with straight-line travel.

The engine has no source of travel times: `atmr plan` brings one, this is for a first look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from atmr_engine.formats.csv_day import CsvLimits, read_day
from atmr_engine.formats.instance_text import InstanceError
from atmr_engine.formats.straight_line import straight_line
from atmr_engine.objective import evaluate
from atmr_engine.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date as calendar_date
    from pathlib import Path

    from atmr_engine.formats.csv_day import DayReading
    from atmr_engine.formats.day import Day
    from atmr_engine.plan import Plan
    from atmr_engine.problem import Problem

SPEED_KMH = 30.0
DETOUR_FACTOR = 1.3
"""Round assumptions of a town where nothing else is given, no measurements."""

MOST_ERRORS = 20
"""Listed for each file; the others are counted."""


class FileError(ValueError):
    """Files that cannot be planned, with a line for each thing that is wrong."""


@dataclass(frozen=True)
class DaySubject:
    """A day of bookings with straight-line travel: the cost is in minutes of a working day."""

    day: Day
    problem: Problem
    name: str
    travel: dict[str, Any]
    warnings: tuple[str, ...] = ()
    start: Plan | None = None
    title: str = "stops in order"

    def cost(self, plan: Plan) -> float:
        return evaluate(self.problem, plan).total

    def document(self, plan: Plan) -> dict[str, Any]:
        description = self.day.describe(plan)
        held = [{"booking": held.booking.id, "reason": held.reason} for held in self.day.held()]
        return {
            "date": self.day.date.isoformat(),
            "zone": str(self.day.zone),
            "synthetic": self.day.synthetic,
            "travel": self.travel,
            "routes": [route.as_json() for route in description.routes],
            "unserved_bookings": list(description.unserved),
            "held": held,
        }

    def rows(self, plan: Plan) -> Iterator[tuple[str, str]]:
        for route in self.day.describe(plan).routes:
            stops = [f"{s.begin:%H:%M} {s.kind} {s.booking or ''}".strip() for s in route.stops]
            yield f"{route.duty} ({route.driver})", ", ".join(stops)

    def left_out(self, plan: Plan) -> Iterator[str]:
        for left in plan.unserved:
            yield f"unserved: {left.request}: {left.reason}"
        for held in self.day.held():
            yield f"held: {held.booking.id}: {held.reason}"


def read_csv_subject(
    bookings: Path,
    duties: Path,
    *,
    zone: str | None = None,
    date: calendar_date | None = None,
    speed_kmh: float = SPEED_KMH,
    detour_factor: float = DETOUR_FACTOR,
) -> DaySubject:
    """A day of two CSV files, with straight-line travel.

    Raises:
        InstanceError: where a file cannot be opened.
        FileError: for all that is wrong in the files, or with the options.

    """
    files = (str(bookings), str(duties))
    limits = CsvLimits(errors=MOST_ERRORS)
    reading = read_day(
        _bytes(bookings), _bytes(duties), zone=zone, date=date, files=files, limits=limits
    )
    if reading.errors or reading.day is None:
        raise FileError("\n".join(_wrong(reading)))
    day = reading.day
    try:
        problem = day.problem(straight_line(day.points(), speed_kmh, detour_factor))
    except ProblemError as error:
        raise FileError(f"{bookings}: {error}") from None
    except ValueError as error:
        raise FileError(str(error)) from None
    travel = {"source": "straight_line", "speed_kmh": speed_kmh, "detour_factor": detour_factor}
    estimate = (
        f"travel times are straight-line estimates ({detour_factor:g} times the great circle at "
        f"{speed_kmh:g} km/h), not roads: no plan to drive by"
    )
    return DaySubject(
        day=day,
        problem=problem,
        name=bookings.stem,
        travel=travel,
        warnings=(*reading.warnings, estimate),
    )


def _wrong(reading: DayReading) -> Iterator[str]:
    yield from map(str, reading.errors)
    if reading.unlisted_errors:
        yield f"and {reading.unlisted_errors} more"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise InstanceError(path, None, reason, "give the path of a readable file") from None
