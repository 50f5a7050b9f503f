"""Levers pulled on compiled arrays: which could matter for a request on a duty, and how far."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.explain.levers import Amounts, Lever
from atmr_engine.windows import tighten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from atmr_engine.arrays import Arrays
    from atmr_engine.online.held_plan import HeldPlan
    from atmr_engine.problem import Duty, Load, Problem

DAY_S = 86_400
"""A relaxation of a time by more than a day helps nobody."""


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
        Lever.PROMISE: DAY_S * (asked.promise is not None and asked.promise.hard),
        Lever.RIDE: DAY_S * math.isfinite(asked.max_ride_s),
        Lever.SHIFT_END: DAY_S * math.isfinite(offered.shift.close_s),
        Lever.SHIFT_START: DAY_S,
        Lever.DURATION: DAY_S * math.isfinite(offered.max_duration_s),
        Lever.DRIVING: DAY_S * limits_driving(offered),
        Lever.IN_SERVICE: bool(offered.out_of_service),
        Lever.BREAK: DAY_S * (committed_breaks(held.problem, duty) < len(offered.breaks)),
        Lever.STAY: math.floor(max(stays, default=0.0)),
        Lever.UNLINK: bool(stays),
    }
    return {lever: int(amount) for lever, amount in most.items() if amount}


def limits_driving(duty: Duty) -> bool:
    """Whether a duty's driving has any limit."""
    return duty.driving_break is not None or math.isfinite(duty.max_driving_s)


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
        Lever.PROMISE: (own["waived_binding_high_s"][:1], 1),
        Lever.RIDE: (requests["ride_excess_s"][request : request + 1], 1),
        Lever.SHIFT_END: (row["shift_excess_s"], 1),
        Lever.SHIFT_START: (row["open_s"], -1),
        Lever.DURATION: (row["duration_excess_s"], 1),
        Lever.DRIVING: (row["driving_excess_s"], 1),
        Lever.BREAK: (pauses["waived_high_s"], 1),
        Lever.SEATS: (row["seats"], 1),
        Lever.WHEELCHAIRS: (row["wheelchairs"], 1),
        Lever.STRETCHERS: (row["stretchers"], 1),
    }
    for lever, amount in amounts.items():
        if lever in pulls:
            column, sign = pulls[lever]
            column += sign * amount
    own["waived_binding_low_s"][0] -= amounts.get(Lever.PROMISE, 0)
    if Lever.IN_SERVICE in amounts:
        row["aways"] = 0
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
