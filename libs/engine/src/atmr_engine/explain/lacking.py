"""What a duty lacks for a request however empty its day is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.compatibility import holds
from atmr_engine.explain.levers import Amounts, Lever
from atmr_engine.explain.pulling import places
from atmr_engine.objective import driver_of
from atmr_engine.online.quotes import linked_drivers
from atmr_engine.problem import SameDriver

if TYPE_CHECKING:
    from atmr_engine.online.held_plan import HeldPlan


def lacking(held: HeldPlan, request: int, duty: int) -> Amounts:
    """What the duty lacks for the request however empty its day is, pins and drivers included."""
    asked, offered = held.problem.requests[request], held.problem.duties[duty]
    capacity = offered.capacity
    lacks: Amounts = {}
    if asked.locked_duty not in {None, offered.id}:
        lacks[Lever.UNPIN] = 1
    if not holds(capacity, asked.load):
        fold = (capacity.fold_seats_per_wheelchair, capacity.fold_seats_per_stretcher)
        there = (capacity.seats, capacity.wheelchairs, capacity.stretchers)
        for (lever, needed), has in zip(places(asked.load, fold).items(), there, strict=True):
            if needed > has:
                lacks[lever] = needed - has
    if missing := len(asked.equipment - offered.equipment):
        lacks[Lever.EQUIPMENT] = missing
    if missing := len(asked.skills - offered.skills):
        lacks[Lever.SKILLS] = missing
    if asked.crew > offered.crew:
        lacks[Lever.CREW] = asked.crew - offered.crew
    driver = driver_of(offered)
    if any(other != driver for other in linked_drivers(held, request, SameDriver.REQUIRE)):
        lacks[Lever.DRIVER] = 1
    return lacks
