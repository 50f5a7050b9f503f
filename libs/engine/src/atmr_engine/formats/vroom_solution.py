"""A plan as VROOM's solution JSON, with the reason why a task is unassigned (ours).

Times are VROOM's: `arrival` plus `waiting_time` is the begin of setup and service, `duration` the
driving so far. The plan was checked, so that there are no `violations`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from atmr_engine.plan import StopKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atmr_engine.formats.vroom_case import VroomBreak, VroomCase, VroomPlace, VroomTask
    from atmr_engine.plan import Plan, PlannedStop, Route, Unserved
    from atmr_engine.problem import Break

DECIMALS = 3
ADDED = ("cost", "setup", "service", "duration", "waiting_time", "priority", "distance")
"""What a summary adds up over its routes."""


def solution_document(case: VroomCase, plan: Plan) -> dict[str, Any]:
    """`code`, `summary`, `unassigned` and `routes`, as VROOM writes them.

    Both ends of an unserved shipment are listed, each with `rule` and `reason`. Numbers are whole
    where the input is, and rounded to a thousandth otherwise.

    Raises:
        KeyError: for a plan of another problem, or with a break too many.

    """
    served = [route for route in plan.routes if route.requests]
    routes = [_RouteWriter(case, route).document() for route in served]
    unassigned = [entry for left in plan.unserved for entry in _unassigned(case, left)]
    keys = [key for key in ADDED if key != "distance" or case.distances_m is not None]
    summary: dict[str, Any] = {"routes": len(routes), "unassigned": len(unassigned)}
    summary |= {key: _plain(sum(route[key] for route in routes)) for key in keys}
    if case.dimensions:
        carried = [sum(column) for column in zip(*(r["amount"] for r in routes), strict=True)]
        carried = carried or [0] * len(case.dimensions)
        summary |= {"delivery": carried, "pickup": carried, "amount": carried}
    summary |= {"violations": [], "computing_times": {"solving": round(1000 * plan.seconds)}}
    return {"code": 0, "summary": summary, "unassigned": unassigned, "routes": routes}


def _unassigned(case: VroomCase, left: Unserved) -> Iterator[dict[str, Any]]:
    for kind in (StopKind.PICKUP, StopKind.DROPOFF):
        task = case.tasks.get((kind, left.request))
        if task is not None:
            yield _named(task) | {"rule": str(left.rule), "reason": left.reason}


def _named(task: VroomTask) -> dict[str, Any]:
    described = {"description": task.description} if task.description else {}
    return {"type": task.type, "id": task.id, **described, **_located(task.place)}


def _located(place: VroomPlace | None) -> dict[str, Any]:
    if place is None:
        return {}
    coordinates = {} if place.coordinates is None else {"location": list(place.coordinates)}
    return {**coordinates, "location_index": place.index}


def _plain(value: float) -> int | float:
    """A whole number where it is one."""
    rounded = round(float(value), DECIMALS)
    return int(rounded) if rounded.is_integer() else rounded


@dataclass
class _RouteWriter:
    """Walks along one route and adds up what VROOM reports."""

    case: VroomCase
    route: Route
    steps: list[dict[str, Any]] = field(default_factory=list)
    here: int | None = None
    load: list[int] = field(default_factory=list)
    amount: list[int] = field(default_factory=list)
    sums: dict[str, float] = field(default_factory=lambda: dict.fromkeys(ADDED, 0.0))

    def document(self) -> dict[str, Any]:
        case, route = self.case, self.route
        vehicle = case.vehicles[route.duty]
        self.load, self.amount = [0] * len(case.dimensions), [0] * len(case.dimensions)
        self.sums["cost"] = vehicle.fixed_cost
        for stop, stated in self._stated():
            self._drive(stop)
            self._board(stop)
            if stated is not None:
                self._add(stop, stated)
        named = {"description": vehicle.description} if vehicle.description else {}
        carried = {"delivery": self.amount, "pickup": self.amount, "amount": self.amount}
        sums = {key: _plain(value) for key, value in self.sums.items()}
        if case.distances_m is None:
            del sums["distance"]
        return {
            "vehicle": vehicle.id,
            **named,
            **sums,
            **(carried if case.dimensions else {}),
            "steps": self.steps,
            "violations": [],
        }

    def _stated(self) -> Iterator[tuple[PlannedStop, dict[str, Any] | None]]:
        """Each stop and what its step says of itself; None: VROOM has no step for it."""
        case, vehicle = self.case, self.case.vehicles[self.route.duty]
        duty = case.problem.duties[case.problem.duty_index[self.route.duty]]
        untaken = list(zip(vehicle.breaks, duty.breaks, strict=True))
        for stop in self.route.stops:
            if stop.kind is StopKind.BREAK:
                taken = _break_of(stop, untaken)
                described = {"description": taken.description} if taken.description else {}
                yield stop, {"type": "break", "id": taken.id, **described}
            elif stop.request is not None:
                task = case.tasks.get((stop.kind, stop.request))
                yield stop, None if task is None else {**_named(task), "setup": task.setup_s}
            else:
                place = vehicle.start if stop.kind is StopKind.START else vehicle.end
                stated = {"type": str(stop.kind), **_located(place)}
                yield stop, None if place is None else stated

    def _drive(self, stop: PlannedStop) -> None:
        if self.here is not None and stop.place is not None:
            leg, case = (self.here, stop.place), self.case
            self.sums["duration"] += case.problem.travel.time_s[leg]
            self.sums["cost"] += case.costs[leg]
            if case.distances_m is not None:
                self.sums["distance"] += case.distances_m[leg]
        self.here = self.here if stop.place is None else stop.place

    def _board(self, stop: PlannedStop) -> None:
        if stop.request is None:
            return
        request = self.case.problem.requests[self.case.problem.request_index[stop.request]]
        sign = 1 if stop.kind is StopKind.PICKUP else -1
        carried = self.case.amount(request)
        self.load = [old + sign * new for old, new in zip(self.load, carried, strict=True)]
        if sign > 0:
            self.amount = [old + new for old, new in zip(self.amount, carried, strict=True)]
            jobs = 1 if self.case.is_job(request.id) else 2
            self.sums["priority"] += jobs * request.priority

    def _add(self, stop: PlannedStop, stated: dict[str, Any]) -> None:
        setup = stated.pop("setup", 0)
        service, waiting = stop.end_s - stop.begin_s - setup, stop.begin_s - stop.arrival_s
        self.sums["setup"] += setup
        self.sums["service"] += service
        self.sums["waiting_time"] += waiting
        step = {
            **stated,
            "setup": setup,
            "service": _plain(service),
            "waiting_time": _plain(waiting),
            "arrival": _plain(stop.arrival_s + self.case.offset_s),
            "duration": _plain(self.sums["duration"]),
            "violations": [],
        }
        if self.case.dimensions:
            step["load"] = list(self.load)
        if self.case.distances_m is not None:
            step["distance"] = _plain(self.sums["distance"])
        self.steps.append(step)


def _break_of(stop: PlannedStop, untaken: list[tuple[VroomBreak, Break]]) -> VroomBreak:
    """Which of the vehicle's breaks a stop is: the first one that it can be."""
    fitting = [
        entry
        for entry in untaken
        if entry[1].window.open_s <= stop.begin_s <= entry[1].window.close_s
        and entry[1].duration_s == stop.end_s - stop.begin_s
    ]
    if not untaken:
        raise KeyError("the route has more breaks than the vehicle")
    taken = (fitting or untaken)[0]
    untaken.remove(taken)
    return taken[0]
