"""The ways of a route as its own timetable has them, evaluated forward from each departure."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from atmr_engine.travel import travel_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atmr_engine.checker.case import Case
    from atmr_engine.plan import PlannedStop


class Leg(NamedTuple):
    """From one stop to the next; `way_s` is the travel time for who leaves as soon as free."""

    before: PlannedStop
    stop: PlannedStop
    way_s: float


def legs(case: Case) -> Iterator[Leg]:
    """Each way of the route. Who leaves later arrives no earlier, so leaving at once is judged."""
    travel = case.problem.travel
    for before, stop in pairwise(case.route.stops):
        yield Leg(before, stop, travel_time(travel, before.place, stop.place, before.end_s))
