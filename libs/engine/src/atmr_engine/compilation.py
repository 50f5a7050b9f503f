"""From a problem to its arrays: waivers, commitments, and whom a duty may carry at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.arrays import (
    DUTY,
    REQUEST,
    SAME_DRIVER,
    UNREACHABLE,
    Arrays,
    table,
)
from atmr_engine.compatibility import compatibility
from atmr_engine.excess import Excess
from atmr_engine.limits import state_limits, times_away
from atmr_engine.node_table import break_nodes, compile_nodes
from atmr_engine.pauses import pauses_of
from atmr_engine.pricing import compile_weights, unserved_costs
from atmr_engine.problem import DriverKind
from atmr_engine.rules import Rule
from atmr_engine.travel import least_time
from atmr_engine.windows import shortest_rides, tighten
from atmr_engine.wishes import serve_costs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atmr_engine.problem import (
        Problem,
        Request,
    )
    from atmr_engine.travel import Travel

OF_TIMETABLES = ("detour", "waiting", "working")
"""Weights of what depends on the times of a route."""


def compile_problem(problem: Problem) -> Arrays:
    """Lay a problem out as arrays; O(requests x kinds of duty + places squared)."""
    excess = Excess(problem)
    knots_s, slices_s = slices_of(problem.travel)
    time_s = with_nowhere(least_times(problem.travel))
    distance_km = with_nowhere(problem.travel.distance_km)
    unreachable = (time_s >= UNREACHABLE) | (distance_km >= UNREACHABLE)
    time_s[unreachable] = UNREACHABLE
    distance_km[unreachable] = UNREACHABLE
    weights = compile_weights(problem.weights)
    price = weights["distance_km"] * distance_km + weights["working"] * time_s
    nodes, requests = compile_nodes(problem, excess), compile_requests(problem, excess)
    duties = compile_duties(problem, excess)
    requests["least_ride_s"] = shortest_rides(time_s, nodes["place"][: 2 * len(requests)])
    tighten(nodes, requests)
    eager = bool((nodes["prefer_s"] < np.inf).any())
    fair = problem.weights.fairness_h2 > 0.0 and any(duties["fair"])
    return Arrays(
        nodes=nodes,
        requests=requests,
        duties=duties,
        compatible=compatibility(problem),
        time_s=time_s,
        time_into_s=transposed(time_s),
        distance_km=distance_km,
        knots_s=knots_s,
        slices_s=slices_s,
        aways=times_away(problem),
        price=price,
        price_into=transposed(price),
        weights=weights,
        serve_cost=serve_costs(problem),
        waived=bool(problem.waivers),
        linked=bool((requests["after"] >= 0).any()),
        timed=eager or fair or any(weights[name][0] > 0.0 for name in OF_TIMETABLES),
        eager=eager,
    )


def transposed(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The transpose, laid out row by row; the matrix itself where it is symmetric."""
    turned = np.ascontiguousarray(matrix.T)
    return matrix if np.array_equal(matrix, turned) else turned


def least_times(travel: Travel) -> NDArray[np.float64]:
    """The times (P, P) at the best time of day."""
    return travel.time_s if travel.knots_s is None else travel.time_s.min(axis=0)


def slices_of(travel: Travel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Departures (K,) and times (K, P + 1, P + 1); K is 0 where times are the same all day."""
    if travel.knots_s is None:
        return np.zeros(0), np.zeros((0, 0, 0))
    return travel.knots_s.copy(), np.stack([with_nowhere(times) for times in travel.time_s])


def with_nowhere(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix with one more place that is at no distance from anything."""
    places = matrix.shape[0]
    wider = np.zeros((places + 1, places + 1))
    wider[:places, :places] = np.minimum(matrix, UNREACHABLE)
    return wider


def compile_requests(problem: Problem, excess: Excess) -> NDArray[Any]:
    """The requests' loads, limits and links (R,) REQUEST."""
    groups: dict[str, int] = {}
    costs = unserved_costs(problem)
    rows = table(len(problem.requests), REQUEST)
    rows["first_follower"] = rows["next_follower"] = rows["after"] = -1
    for index, (row, request) in enumerate(zip(rows, problem.requests, strict=True)):
        row["seats"] = request.load.seats
        row["wheelchairs"] = request.load.wheelchairs
        row["stretchers"] = request.load.stretchers
        row["alone"] = request.ride_alone
        row["group"] = groups.setdefault(request.share_group, len(groups))
        row["max_ride_s"] = request.max_ride_s
        row["ride_excess_s"] = excess.of(Rule.RIDE_TIME, request.id)
        direct_s = least_time(problem.travel, request.pickup.place, request.dropoff.place)
        row["direct_s"] = min(float(direct_s), UNREACHABLE)
        row["unserved_cost"] = costs[index]
        row["latest_pickup_s"] = latest_pickup(request, float(row["direct_s"]))
        if request.link is not None:
            after = problem.request_index[request.link.after]
            row["after"] = after
            row["stay_s"] = request.link.stay_s
            row["same_driver"] = SAME_DRIVER[request.link.same_driver]
            row["next_follower"] = rows[after]["first_follower"]
            rows[after]["first_follower"] = index
    for duty in problem.duties:
        for stop in duty.committed:
            if stop.request is not None:
                rows[problem.request_index[stop.request]]["fixed"] = 1
    return rows


def latest_pickup(request: Request, direct_s: float) -> float:
    """The latest moment at which the pickup can begin when nothing else is in the way."""
    by_dropoff = request.dropoff.window.close_s - direct_s - request.pickup.service_s
    return min(request.pickup.window.close_s, by_dropoff)


def compile_duties(problem: Problem, excess: Excess) -> NDArray[Any]:
    """The duties' capacities, shifts and places (D,) DUTY."""
    nowhere = problem.travel.places
    drivers: dict[tuple[str, str], int] = {}
    rows = table(len(problem.duties), DUTY)
    away = 0
    for row, duty, first_break in zip(rows, problem.duties, break_nodes(problem), strict=False):
        row["seats"] = duty.capacity.seats
        row["wheelchairs"] = duty.capacity.wheelchairs
        row["stretchers"] = duty.capacity.stretchers
        row["fold_wheelchair"] = duty.capacity.fold_seats_per_wheelchair
        row["fold_stretcher"] = duty.capacity.fold_seats_per_stretcher
        row["start"] = nowhere if duty.start_place is None else duty.start_place
        row["end"] = nowhere if duty.end_place is None else duty.end_place
        row["open_s"] = duty.shift.open_s
        row["close_s"] = duty.shift.close_s
        row["shift_excess_s"] = excess.of(Rule.SHIFT, duty.id)
        row["max_duration_s"] = duty.max_duration_s
        row["duration_excess_s"] = excess.of(Rule.DURATION, duty.id)
        row["emergency"] = duty.driver_kind is DriverKind.EMERGENCY
        person = ("driver", duty.driver) if duty.driver else ("duty", duty.id)
        row["driver"] = drivers.setdefault(person, len(drivers))
        row["first_break"] = first_break
        row["breaks"] = len(pauses_of(duty))
        row["committed"] = len(duty.committed)
        state_limits(row, problem, duty, excess.of(Rule.DRIVING, duty.id))
        row["first_away"], away = away, away + int(row["aways"])
        if duty.fair_share_min is not None:
            row["fair"] = 1
            row["beyond_share_s"] = 60.0 * (duty.worked_min - duty.fair_share_min)
    return rows
