"""VROOM's JSON input as a problem of the engine; README.md lists what is read, refused and ours.

Nothing is passed over: a field that the engine cannot honour is refused by its name. The objective
is VROOM's own: most priority, most tasks, then the least cost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from atmr_engine.formats.instance_text import MOST_VEHICLES, InstanceError
from atmr_engine.formats.json_text import read_object
from atmr_engine.formats.vroom_case import VroomCase
from atmr_engine.formats.vroom_fields import Fields, VroomError
from atmr_engine.formats.vroom_matrices import dearest, fixed_costs, read_matrices
from atmr_engine.formats.vroom_steps import (
    breaks_in_order,
    committed_stops,
    proposed_plan,
    read_steps,
)
from atmr_engine.formats.vroom_tasks import MOST_TASKS, Tasks, read_dimensions, read_skill_names
from atmr_engine.formats.vroom_vehicles import break_warnings, check_limits, read_vehicle
from atmr_engine.objective import Weights
from atmr_engine.problem import DriverKind, Problem, ProblemError, Travel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from atmr_engine.formats.vroom_case import VroomVehicle
    from atmr_engine.formats.vroom_matrices import Matrices
    from atmr_engine.problem import Duty

REMEDY = 'write {"vehicles": [...], "shipments": [...], "matrices": {"car": {"durations": ...}}}'
TOP = ("vehicles", "jobs", "shipments", "matrices", "matrix", "dimensions", "skill_names")


def read_vroom(path: Path) -> VroomCase:
    """Read a file; places are the indices of its matrices.

    Raises:
        InstanceError: naming file, field and remedy.

    """
    document = read_object(path, REMEDY)
    try:
        return vroom_case(document, path.stem)
    except VroomError as error:
        message = f"{error.field} {error.message}"
        raise InstanceError(path, None, message, error.remedy) from None


def vroom_case(document: Mapping[str, Any], name: str = "vroom") -> VroomCase:
    """A document that is in memory already.

    Raises:
        VroomError: naming the field.

    """
    top = Fields("", document)
    top.only(TOP, {})
    entries = _vehicles(top)
    matrices = read_matrices(top, entries)
    dimensions, skill_names = read_dimensions(top, entries), read_skill_names(top)
    tasks = _tasks(top, Tasks(matrices.places, dimensions, skill_names))
    prices = fixed_costs(entries)
    pairs = [read_vehicle(entry, matrices.places, dimensions, skill_names) for entry in entries]
    vehicles = {
        duty.id: replace(vehicle, fixed_cost=float(price))
        for (duty, vehicle), price in zip(pairs, prices, strict=True)
    }
    if len(vehicles) < len(pairs):
        raise _doubled(entries, pairs)
    for entry, (duty, _) in zip(entries, pairs, strict=True):
        _check_limits(entry, duty, len(tasks.tasks), matrices)
    tasks.check_setups(v.start.index for v in vehicles.values() if v.start is not None)
    case = VroomCase(
        name=name,
        problem=_problem(tasks, [duty for duty, _ in pairs], matrices, prices),
        tasks=tasks.tasks,
        vehicles=vehicles,
        costs=matrices.costs,
        distances_m=matrices.distances_m,
        dimensions=dimensions,
        warnings=(*matrices.warnings, *(w for entry in entries for w in break_warnings(entry))),
    )
    return _with_steps(case, entries)


def _vehicles(top: Fields) -> list[Fields]:
    entries = top.parts("vehicles")
    if not entries:
        raise top.error("vehicles", "is missing", "give at least one vehicle")
    if len(entries) > MOST_VEHICLES:
        raise top.error("vehicles", f"has {len(entries):,}", f"at most {MOST_VEHICLES:,} are read")
    return entries


def _tasks(top: Fields, tasks: Tasks) -> Tasks:
    shipments, jobs = top.parts("shipments"), top.parts("jobs")
    if len(shipments) + len(jobs) > MOST_TASKS:
        raise top.error("shipments", "and jobs are too many", f"at most {MOST_TASKS:,} are read")
    for entry in shipments:
        tasks.add_shipment(entry)
    for entry in jobs:
        tasks.add_job(entry)
    return tasks


def _doubled(entries: Sequence[Fields], pairs: Sequence[tuple[Duty, VroomVehicle]]) -> VroomError:
    seen: set[int] = set()
    for entry, (_, vehicle) in zip(entries, pairs, strict=True):
        if vehicle.id in seen:
            return entry.error("id", f"is {vehicle.id} for a second time", "give each its own")
        seen.add(vehicle.id)
    raise AssertionError("no vehicle is doubled")


def _check_limits(entry: Fields, duty: Duty, tasks: int, matrices: Matrices) -> None:
    distances = matrices.distances_m
    longest_m = float("inf") if distances is None else dearest(distances)
    check_limits(entry, duty, tasks, (dearest(matrices.time_s), longest_m))


def _problem(
    tasks: Tasks, duties: Sequence[Duty], matrices: Matrices, prices: Sequence[int]
) -> Problem:
    """The problem, whose distance is VROOM's cost."""
    cheap = min(prices)
    try:
        return Problem(
            requests=tuple(tasks.requests),
            duties=tuple(
                replace(duty, driver_kind=DriverKind.EMERGENCY) if price > cheap else duty
                for duty, price in zip(duties, prices, strict=True)
            ),
            travel=Travel(time_s=matrices.time_s, distance_km=matrices.costs),
            weights=vroom_weights(len(tasks.requests), dearest(matrices.costs), prices),
        )
    except ProblemError as error:
        raise VroomError(error.field, str(error), "correct the input") from None


def vroom_weights(requests: int, dearest_leg: float, prices: Sequence[int]) -> Weights:
    """Priority before the number of tasks, the number of tasks before any cost of a plan."""
    costliest_plan = (2 * requests + len(prices)) * dearest_leg + sum(prices)
    unserved = costliest_plan + 1.0
    return replace(
        Weights.distance_only(),
        unserved=unserved,
        unserved_priority=unserved * (requests + 1),
        duties_used=float(min(prices)),
        emergency_duties=float(max(prices) - min(prices)),
    )


def _with_steps(case: VroomCase, entries: Sequence[Fields]) -> VroomCase:
    """The case with what the vehicles' steps fix and propose."""
    duties, vehicles = [], {}
    for duty, entry in zip(case.problem.duties, entries, strict=True):
        fixed, vehicle = read_steps(entry, "committed", case.ends), case.vehicles[duty.id]
        order = breaks_in_order(fixed, vehicle)
        vehicles[duty.id] = replace(vehicle, breaks=tuple(vehicle.breaks[k] for k in order))
        breaks = tuple(duty.breaks[k] for k in order)
        duties.append(replace(duty, breaks=breaks, committed=committed_stops(fixed)))
    try:
        problem = replace(case.problem, duties=tuple(duties))
    except ProblemError as error:
        where = error.field.replace("duties", "vehicles")
        raise VroomError(where, f"is wrong ({error})", "correct the steps") from None
    start = proposed_plan(
        problem, entries, [read_steps(entry, "steps", case.ends) for entry in entries]
    )
    return replace(case, problem=problem, vehicles=vehicles, start=start)
