"""A problem of the engine as VROOM's JSON input, with a warning for all that VROOM cannot state.

Skills, equipment, crews and pins become numbered skills, named in `skill_names`. What is ours
(`max_ride_time`, `max_duration`, `committed`) VROOM passes over and `read_vroom` reads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from atmr_engine.formats.vroom_case import (
    DIMENSIONS,
    VroomBreak,
    VroomCase,
    VroomPlace,
    VroomTask,
    VroomVehicle,
    amount_of,
)
from atmr_engine.formats.vroom_losses import losses
from atmr_engine.formats.vroom_tasks import HIGHEST_PRIORITY
from atmr_engine.formats.vroom_whole_numbers import WholeNumbers
from atmr_engine.plan import StopKind
from atmr_engine.problem import DriverKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atmr_engine.problem import Committed, Duty, Problem, Request, Visit


def export_vroom(problem: Problem, name: str = "problem") -> tuple[dict[str, Any], VroomCase]:
    """The document, and the case with which a solution of it is read (`vroom_plan`).

    Shipments, vehicles and breaks are numbered from 1 in the order of the problem, their ids are
    descriptions. `case.warnings` says what VROOM would not keep.

    Raises:
        VroomError: where a time or a matrix entry is beyond VROOM's numbers.

    """
    numbers = WholeNumbers(problem)
    export = _Export(problem, numbers)
    document = {
        "vehicles": [export.vehicle(k, duty) for k, duty in enumerate(problem.duties, start=1)],
        "shipments": [export.shipment(k, r) for k, r in enumerate(problem.requests, start=1)],
        "matrices": {"car": numbers.matrices()},
        "dimensions": list(export.dimensions),
        "skill_names": {str(number): skill for skill, number in export.skills.items()},
    }
    case = VroomCase(
        name=name,
        problem=problem,
        tasks={
            (kind, request.id): _task(k, request, kind)
            for k, request in enumerate(problem.requests, start=1)
            for kind in (StopKind.PICKUP, StopKind.DROPOFF)
        },
        vehicles={
            duty.id: export.named_vehicle(k, duty) for k, duty in enumerate(problem.duties, start=1)
        },
        costs=numbers.costs,
        distances_m=numbers.distances_m,
        dimensions=export.dimensions,
        offset_s=numbers.offset_s,
        folded=export.folded,
        warnings=tuple(losses(problem)),
    )
    return document, case


@dataclass(frozen=True)
class _Export:
    problem: Problem
    numbers: WholeNumbers

    @cached_property
    def folded(self) -> tuple[int, int]:
        """Seats that a wheelchair and a stretcher fold away, the most that any duty has."""
        capacities = [duty.capacity for duty in self.problem.duties]
        return (
            max((c.fold_seats_per_wheelchair for c in capacities), default=0),
            max((c.fold_seats_per_stretcher for c in capacities), default=0),
        )

    @cached_property
    def dimensions(self) -> tuple[str, ...]:
        """Kinds of places that somebody takes or folds away."""
        loads = [request.load for request in self.problem.requests]
        taken = {kind for kind in DIMENSIONS if any(getattr(load, kind) for load in loads)}
        taken |= {"seats"} if any(self.folded) or not taken else set()
        return tuple(kind for kind in DIMENSIONS if kind in taken)

    @cached_property
    def skills(self) -> dict[str, int]:
        """Numbers, from 1, of all that requests ask of a duty."""
        asked = {name for request in self.problem.requests for name in _asked(request)}
        return {name: number for number, name in enumerate(sorted(asked), start=1)}

    def shipment(self, number: int, request: Request) -> dict[str, Any]:
        shipment: dict[str, Any] = {"amount": amount_of(request, self.dimensions, self.folded)}
        skills = sorted(self.skills[name] for name in _asked(request))
        priority = min(request.priority, HIGHEST_PRIORITY)
        shipment |= {"skills": skills} if skills else {}
        shipment |= {"priority": priority} if priority else {}
        if request.max_ride_s < math.inf:
            shipment["max_ride_time"] = math.floor(request.max_ride_s)
        for kind in (StopKind.PICKUP, StopKind.DROPOFF):
            task, window = _task(number, request, kind), _visit(request, kind).window
            stated = self.numbers.window(window)
            shipment[task.type] = {
                "id": number,
                "description": request.id,
                "location_index": task.place.index,
                "service": task.service_s,
                **({} if stated is None else {"time_windows": [stated]}),
            }
        return shipment

    def vehicle(self, number: int, duty: Duty) -> dict[str, Any]:
        named, numbers = self.named_vehicle(number, duty), self.numbers
        vehicle: dict[str, Any] = {
            "id": number,
            "description": duty.id,
            "capacity": [getattr(duty.capacity, name) for name in self.dimensions],
            "skills": sorted(n for name, n in self.skills.items() if _has(duty, name)),
            "costs": {"fixed": int(named.fixed_cost)},
        }
        for key, place in (("start_index", named.start), ("end_index", named.end)):
            vehicle |= {} if place is None else {key: place.index}
        shift = numbers.window(duty.shift)
        vehicle |= {} if shift is None else {"time_window": shift}
        if duty.max_duration_s < duty.shift.close_s - duty.shift.open_s:
            vehicle["max_duration"] = math.floor(duty.max_duration_s)
        if duty.breaks:
            vehicle["breaks"] = [self._break(k, duty) for k in range(len(duty.breaks))]
        if duty.committed:
            pauses = iter(range(1, len(duty.breaks) + 1))
            vehicle["committed"] = [self._step(stop, pauses) for stop in duty.committed]
        return vehicle

    def named_vehicle(self, number: int, duty: Duty) -> VroomVehicle:
        start, end, weights = duty.start_place, duty.end_place, self.problem.weights
        if start is None and end is None:
            start = self.numbers.nowhere
        emergency = duty.driver_kind is DriverKind.EMERGENCY
        fixed = weights.duties_used + (weights.emergency_duties if emergency else 0.0)
        return VroomVehicle(
            id=number,
            start=None if start is None else VroomPlace(index=start),
            end=None if end is None else VroomPlace(index=end),
            breaks=tuple(VroomBreak(id=k) for k in range(1, len(duty.breaks) + 1)),
            description=duty.id,
            fixed_cost=float(round(fixed * self.numbers.scale)),
        )

    def _break(self, position: int, duty: Duty) -> dict[str, Any]:
        pause = duty.breaks[position]
        window = self.numbers.window(pause.window, spent_s=pause.duration_s)
        return {
            "id": position + 1,
            "service": math.ceil(pause.duration_s),
            "max_load": [0] * len(self.dimensions),
            **({} if window is None else {"time_windows": [window]}),
        }

    def _step(self, stop: Committed, pauses: Iterator[int]) -> dict[str, Any]:
        at = {} if stop.begin_s is None else {"service_at": self.numbers.moment(stop.begin_s)}
        if stop.request is None:
            return {"type": "break", "id": next(pauses), **at}
        kind = "pickup" if stop.kind == StopKind.PICKUP else "delivery"
        return {"type": kind, "id": self.problem.request_index[stop.request] + 1, **at}


def _visit(request: Request, kind: StopKind) -> Visit:
    return request.pickup if kind is StopKind.PICKUP else request.dropoff


def _task(number: int, request: Request, kind: StopKind) -> VroomTask:
    visit = _visit(request, kind)
    cleaning_s = request.cleaning_s if kind is StopKind.DROPOFF else 0.0
    return VroomTask(
        type="pickup" if kind is StopKind.PICKUP else "delivery",
        id=number,
        place=VroomPlace(index=visit.place),
        service_s=math.ceil(visit.service_s + cleaning_s),
        description=request.id,
    )


def _asked(request: Request) -> list[str]:
    """What a request asks of a duty, as names of skills."""
    names = [f"skill {name}" for name in request.skills]
    names += [f"equipment {name}" for name in request.equipment]
    names += [f"crew of {request.crew}"] if request.crew > 1 else []
    return names + ([] if request.locked_duty is None else [f"duty {request.locked_duty}"])


def _has(duty: Duty, asked: str) -> bool:
    kind, _, name = asked.partition(" ")
    if kind == "crew":
        return duty.crew >= int(name.removeprefix("of "))
    return name in {"skill": duty.skills, "equipment": duty.equipment, "duty": {duty.id}}[kind]
