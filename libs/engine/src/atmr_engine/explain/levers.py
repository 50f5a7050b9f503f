"""What can be relaxed so that a duty could take a request: each a lever with an amount.

A lever is pulled on compiled arrays, to find the smallest amount, and on the problem itself, as a
waiver or as the changed request or duty, to prove it.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.rules import Rule
from atmr_engine.windows import tighten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from atmr_engine.arrays import Arrays
    from atmr_engine.online.held_plan import HeldPlan
    from atmr_engine.problem import Load, Problem

DAY_S = 86_400
"""A relaxation of a time by more than a day helps nobody."""


class Lever(StrEnum):
    """What is relaxed, in the order in which rules are asked."""

    UNPIN = "unpin"
    SEATS = "seats"
    WHEELCHAIRS = "wheelchairs"
    STRETCHERS = "stretchers"
    EQUIPMENT = "equipment"
    SKILLS = "skills"
    CREW = "crew"
    DRIVER = "driver"  # the linked legs need not have one driver
    SHARE = "share"  # with those on board then
    LATER = "later"  # service of the request begins after its windows closed
    EARLIER = "earlier"  # or before they open
    RIDE = "ride"
    SHIFT_END = "shift_end"
    SHIFT_START = "shift_start"
    DURATION = "duration"
    BREAK = "break"  # the duty's breaks begin after their windows closed
    STAY = "stay"  # the stay between the linked legs is shorter
    UNLINK = "unlink"


RULE_OF = {
    Lever.UNPIN: Rule.LOCK,
    Lever.SEATS: Rule.CAPACITY,
    Lever.WHEELCHAIRS: Rule.CAPACITY,
    Lever.STRETCHERS: Rule.CAPACITY,
    Lever.EQUIPMENT: Rule.EQUIPMENT,
    Lever.SKILLS: Rule.SKILLS,
    Lever.CREW: Rule.CREW,
    Lever.DRIVER: Rule.LINK,
    Lever.SHARE: Rule.SHARING,
    Lever.LATER: Rule.WINDOW,
    Lever.EARLIER: Rule.WINDOW,
    Lever.RIDE: Rule.RIDE_TIME,
    Lever.SHIFT_END: Rule.SHIFT,
    Lever.SHIFT_START: Rule.SHIFT,
    Lever.DURATION: Rule.DURATION,
    Lever.BREAK: Rule.BREAK,
    Lever.STAY: Rule.LINK,
    Lever.UNLINK: Rule.LINK,
}
TIMES = frozenset(
    {
        Lever.LATER,
        Lever.EARLIER,
        Lever.RIDE,
        Lever.SHIFT_END,
        Lever.SHIFT_START,
        Lever.DURATION,
        Lever.BREAK,
        Lever.STAY,
    }
)
"""Amounts in seconds; those of the others count places, people, or 1 for yes."""
WAIVABLE = frozenset({Lever.LATER, Lever.RIDE, Lever.SHIFT_END, Lever.DURATION, Lever.BREAK})
"""What a waiver can grant; for the others request or duty have to be changed."""
HOUR_S = 3600
"""A place, a colleague or a yes is ranked like an hour: it is harder to come by than minutes."""

Amounts = dict[Lever, int]


def worth_s(amounts: Mapping[Lever, int]) -> int:
    """How much is asked for in all, to rank one relaxation before another."""
    return sum(n * (1 if lever in TIMES else HOUR_S) for lever, n in amounts.items())


def places(load: Load, duty_fold: tuple[int, int]) -> Amounts:
    """The places that a load takes at most, those that its convertible places fold included."""
    folded = duty_fold[0] * load.wheelchairs + duty_fold[1] * load.stretchers
    return {
        Lever.SEATS: load.seats + folded,
        Lever.WHEELCHAIRS: load.wheelchairs,
        Lever.STRETCHERS: load.stretchers,
    }


def furthest(held: HeldPlan, request: int, duty: int) -> Amounts:
    """The levers that could matter for a request on a duty, each with its largest amount."""
    asked, offered = held.problem.requests[request], held.problem.duties[duty]
    windows = (asked.pickup.window, asked.dropoff.window)
    capacity = offered.capacity
    fold = (capacity.fold_seats_per_wheelchair, capacity.fold_seats_per_stretcher)
    stays = linked_stays(held, request)
    riders = riders_of(held, duty)
    most = {
        **places(asked.load, fold),
        Lever.SHARE: any(
            asked.ride_alone or rider.ride_alone or rider.share_group != asked.share_group
            for rider in (held.problem.requests[r] for r in riders)
        ),
        Lever.LATER: DAY_S * any(math.isfinite(window.close_s) for window in windows),
        Lever.EARLIER: DAY_S * any(window.open_s > offered.shift.open_s for window in windows),
        Lever.RIDE: DAY_S * math.isfinite(asked.max_ride_s),
        Lever.SHIFT_END: DAY_S * math.isfinite(offered.shift.close_s),
        Lever.SHIFT_START: DAY_S,
        Lever.DURATION: DAY_S * math.isfinite(offered.max_duration_s),
        Lever.BREAK: DAY_S * (committed_breaks(held.problem, duty) < len(offered.breaks)),
        Lever.STAY: math.floor(max(stays, default=0.0)),
        Lever.UNLINK: bool(stays),
    }
    return {lever: int(amount) for lever, amount in most.items() if amount}


def linked_stays(held: HeldPlan, request: int) -> list[float]:
    """The stays between a request and each linked leg that is served."""
    rows, route_of = held.arrays.requests, held.state.route_of
    followers = [int(r) for r in (rows["after"] == request).nonzero()[0] if route_of[r] >= 0]
    after = int(rows["after"][request])
    legs = followers + ([request] if after >= 0 and route_of[after] >= 0 else [])
    return [float(rows["stay_s"][leg]) for leg in legs]


def riders_of(held: HeldPlan, duty: int) -> list[int]:
    """The requests that a duty serves."""
    return [int(request) for request in (held.state.route_of == duty).nonzero()[0]]


def committed_breaks(problem: Problem, duty: int) -> int:
    """How many of a duty's breaks stand in its committed beginning; they are its first ones."""
    return sum(stop.kind == "break" for stop in problem.duties[duty].committed)


def pulled(held: HeldPlan, request: int, duty: int, amounts: Mapping[Lever, int]) -> Arrays:
    """The arrays with levers pulled; those that no clock and no place depends on change nothing."""
    source = held.arrays
    nodes, requests = duplicate(source.nodes), duplicate(source.requests)
    duties = duplicate(source.duties)
    own, row = nodes[2 * request : 2 * request + 2], duties[duty : duty + 1]
    first = int(row["first_break"][0]) + committed_breaks(held.problem, duty)
    pauses = nodes[first : int(row["first_break"][0]) + int(row["breaks"][0])]
    linked = requests["after"] == request
    pulls = {
        Lever.LATER: (own["excess_s"], 1),
        Lever.EARLIER: (own["open_s"], -1),
        Lever.RIDE: (requests["ride_excess_s"][request : request + 1], 1),
        Lever.SHIFT_END: (row["shift_excess_s"], 1),
        Lever.SHIFT_START: (row["open_s"], -1),
        Lever.DURATION: (row["duration_excess_s"], 1),
        Lever.BREAK: (pauses["waived_high_s"], 1),
        Lever.SEATS: (row["seats"], 1),
        Lever.WHEELCHAIRS: (row["wheelchairs"], 1),
        Lever.STRETCHERS: (row["stretchers"], 1),
    }
    for lever, amount in amounts.items():
        if lever in pulls:
            column, sign = pulls[lever]
            column += sign * amount
    if stay := amounts.get(Lever.STAY):
        linked[request] = True
        requests["stay_s"][linked] = (requests["stay_s"][linked] - stay).clip(min=0.0)
    if Lever.UNLINK in amounts:
        linked[request] = True
        requests["after"][linked] = -1
        requests["first_follower"][request] = -1
    if Lever.SHARE in amounts:
        requests["alone"] = requests["group"] = 0
    tighten(own, requests[request : request + 1])
    linked_at_all = bool((requests["after"] >= 0).any())
    return source._replace(
        nodes=nodes, requests=requests, duties=duties, waived=True, linked=linked_at_all
    )


def duplicate(rows: NDArray[Any]) -> NDArray[Any]:
    """A copy, byte for byte, as plain records: attributes are slow outside of compiled code."""
    return rows.view(np.ndarray).view(np.uint8).copy().view(rows.dtype)
