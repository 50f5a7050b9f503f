"""From a problem to its arrays: waivers, commitments, and whom a duty may carry at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.arrays import (
    DUTY,
    NODE,
    REQUEST,
    RESERVED,
    REST,
    SAME_DRIVER,
    UNREACHABLE,
    VISIT,
    Arrays,
    table,
)
from atmr_engine.limits import state_limits, times_away
from atmr_engine.pauses import committed_pauses, pauses_of
from atmr_engine.pricing import compile_weights, unserved_costs
from atmr_engine.problem import DriverKind
from atmr_engine.rules import Rule
from atmr_engine.travel import least_time
from atmr_engine.windows import shortest_rides, tighten
from atmr_engine.wishes import serve_costs, state_wishes

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import NDArray

    from atmr_engine.problem import (
        Break,
        Capacity,
        Committed,
        Duty,
        Load,
        Problem,
        Request,
        Reserve,
        Visit,
    )
    from atmr_engine.travel import Travel

OPEN = (0.0, 0.0, 0.0, 0.0)
"""The bounds of a node's times before `tighten` computes them."""
UNTOLD = (0.0,) * 8
"""What was told of a node before `state_wishes` fills it in."""
OF_TIMETABLES = ("detour", "waiting", "working")
"""Weights of what depends on the times of a route."""


class Excess:
    """How far each subject's service rules are waived, in seconds (0 where they are not)."""

    def __init__(self, problem: Problem) -> None:
        self.by_subject: dict[tuple[Rule, str], float] = {}
        for waiver in problem.waivers:
            key = (waiver.rule, waiver.subject)
            self.by_subject[key] = max(self.by_subject.get(key, 0.0), waiver.excess_s)

    def of(self, rule: Rule, subject: str) -> float:
        return self.by_subject.get((rule, subject), 0.0)


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


def break_nodes(problem: Problem) -> list[int]:
    """The node of each duty's first pause, and one past the last duty's."""
    firsts = [2 * len(problem.requests)]
    for duty in problem.duties:
        firsts.append(firsts[-1] + len(pauses_of(duty)))
    return firsts


def committed_nodes(problem: Problem, duty_index: int) -> list[int]:
    """The nodes of a duty's fixed beginning, in order."""
    duty, first_break = problem.duties[duty_index], break_nodes(problem)[duty_index]
    pauses = iter(committed_pauses(duty))
    nodes = []
    for stop in duty.committed:
        if stop.request is None:
            nodes.append(first_break + next(pauses))
        else:
            nodes.append(2 * problem.request_index[stop.request] + (stop.kind == "dropoff"))
    return nodes


def compile_nodes(problem: Problem, excess: Excess) -> NDArray[Any]:
    """The nodes' places, windows and services (N,) NODE."""
    rows = []
    for request in problem.requests:
        late = excess.of(Rule.WINDOW, request.id)
        rows.append(visit_row(request.pickup, late, 0.0))
        rows.append(visit_row(request.dropoff, late, request.cleaning_s))
    for duty in problem.duties:
        late = excess.of(Rule.BREAK, duty.id)
        rows.extend(break_row(pause, late) for pause in pauses_of(duty))
    rows.extend(map(reserve_row, problem.reserves))
    nodes = table(len(rows), NODE)
    nodes[:] = np.array(rows, dtype=NODE)
    state_wishes(problem, nodes, excess.of)
    for index, duty in enumerate(problem.duties):
        for node, stop in zip(committed_nodes(problem, index), duty.committed, strict=True):
            fix_begin(nodes, node, stop)
    return nodes


def visit_row(visit: Visit, late: float, cleaning_s: float) -> tuple[float, ...]:
    window = visit.window
    times = (window.open_s, window.close_s, late, *OPEN, visit.service_s, cleaning_s)
    return (visit.place, VISIT, *times, *UNTOLD)


def break_row(pause: Break, late: float) -> tuple[float, ...]:
    times = (pause.window.open_s, pause.window.close_s, late, *OPEN, pause.duration_s, 0.0)
    return (-1, REST, *times, *UNTOLD)


def reserve_row(reserve: Reserve) -> tuple[float, ...]:
    """A block that lies whole within its window."""
    window = reserve.window
    closes_s = window.close_s - reserve.duration_s
    times = (window.open_s, closes_s, 0.0, *OPEN, reserve.duration_s, 0.0)
    return (-1, RESERVED, *times, *UNTOLD)


def fix_begin(nodes: NDArray[Any], node: int, stop: Committed) -> None:
    """Narrow a committed stop's window to the moment at which it began, lateness included."""
    if stop.begin_s is None:
        return
    row = nodes[node]
    close = row["close_s"] + row["excess_s"]
    row["open_s"] = max(row["open_s"], stop.begin_s)
    row["excess_s"] = max(0.0, min(stop.begin_s, close) - row["close_s"])
    row["close_s"] = min(row["close_s"], stop.begin_s)


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


def compatibility(problem: Problem) -> NDArray[np.uint8]:
    """Whom a duty may carry if it carries nobody else (R, D): load, skills, equipment, crew, pins.

    Requests and duties that are alike are compared once.
    """
    table = np.zeros((len(problem.requests), len(problem.duties)), dtype=np.uint8)
    duty_kinds: dict[Hashable, list[int]] = {}
    for index, duty in enumerate(problem.duties):
        kind = (duty.capacity, duty.skills, duty.equipment, duty.crew)
        duty_kinds.setdefault(kind, []).append(index)
    request_kinds: dict[Hashable, list[int]] = {}
    for index, request in enumerate(problem.requests):
        needs = (request.load, request.skills, request.equipment, request.crew)
        request_kinds.setdefault(needs, []).append(index)
    for alike in request_kinds.values():
        for duties in duty_kinds.values():
            fits = first_mismatch(problem.requests[alike[0]], problem.duties[duties[0]]) is None
            table[np.ix_(alike, duties)] = fits
    pin(problem, table)
    return table


def pin(problem: Problem, table: NDArray[np.uint8]) -> None:
    """Leave a locked or committed request the duty that it is pinned to, and no other."""
    pins = [(r.id, r.locked_duty) for r in problem.requests if r.locked_duty is not None]
    pins += [(s.request, d.id) for d in problem.duties for s in d.committed if s.request]
    for request_id, duty_id in pins:
        row = table[problem.request_index[request_id]]
        keep = row[problem.duty_index[duty_id]]
        row[:] = 0
        row[problem.duty_index[duty_id]] = keep


def first_mismatch(request: Request | Reserve, duty: Duty) -> Rule | None:
    """The first rule by which the duty can never carry the request, pins aside; None if it can."""
    if not holds(duty.capacity, request.load):
        return Rule.CAPACITY
    if not request.equipment <= duty.equipment:
        return Rule.EQUIPMENT
    if not request.skills <= duty.skills:
        return Rule.SKILLS
    return Rule.CREW if request.crew > duty.crew else None


def holds(capacity: Capacity, load: Load) -> bool:
    """Whether a load fits into an empty vehicle (folding seats included, see `Capacity`)."""
    folded = capacity.fold_seats_per_wheelchair * load.wheelchairs
    folded += capacity.fold_seats_per_stretcher * load.stretchers
    return (
        load.wheelchairs <= capacity.wheelchairs
        and load.stretchers <= capacity.stretchers
        and load.seats + folded <= capacity.seats
    )
