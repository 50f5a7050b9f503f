"""A plan: a timetable per duty, and what could not be served with the reason why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from atmr_engine.rules import Rule


class StopKind(StrEnum):
    """What happens at a stop of a route."""

    START = "start"
    PICKUP = "pickup"
    DROPOFF = "dropoff"
    BREAK = "break"
    RESERVE = "reserve"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStop:
    """One stop: where (None where the duty has no start or end place) and when, in seconds.

    The vehicle arrives at `arrival_s`, service begins at `begin_s` (not before the window opens)
    and the vehicle is free to leave at `end_s` (service and cleaning done). A break or a reserve is
    at the place of the stop before it. At the start, all three are the departure. `reserve` is the
    id of the reserve that is kept there; `provisional` times wait for a call (`Request.will_call`).
    """

    kind: StopKind
    place: int | None
    arrival_s: float
    begin_s: float
    end_s: float
    request: str | None = None
    reserve: str | None = None
    provisional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One duty's stops from START to END; a duty without a route drives nothing."""

    duty: str
    stops: tuple[PlannedStop, ...]

    @property
    def requests(self) -> tuple[str, ...]:
        """The ids of the requests served, in order of pickup."""
        return tuple(
            stop.request
            for stop in self.stops
            if stop.kind is StopKind.PICKUP and stop.request is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unserved:
    """A request that no duty can take: the rule that stands in the way, and a sentence for people.

    `rule` is the one that failed on the duties that came nearest to fitting.
    """

    request: str
    rule: Rule
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `solve` returns: routes (one per duty that drives), unserved, and how it was found.

    `unreserved` are the ids of the reserves for which no duty is kept free. `iterations` and
    `seconds` say what the search spent; `source` which part found the plan ("construction",
    "search", "warm_start").
    """

    routes: tuple[Route, ...]
    unserved: tuple[Unserved, ...] = ()
    iterations: int = 0
    seconds: float = 0.0
    source: str = "construction"
    unreserved: tuple[str, ...] = ()
