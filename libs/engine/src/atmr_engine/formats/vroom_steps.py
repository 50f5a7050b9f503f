"""The steps of VROOM's vehicles: a plan to start from; and `committed` (ours), what is fixed.

`steps` are what the search starts from, as in VROOM. `committed` has the form of steps and makes
them the beginning of the route, `service_at` the time at which they begin or began.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from atmr_engine.checker import check, feasible_times
from atmr_engine.formats.vroom_fields import LARGEST_ID, Fields
from atmr_engine.plan import Plan, StopKind
from atmr_engine.problem import Committed
from atmr_engine.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from atmr_engine.formats.vroom_case import VroomVehicle
    from atmr_engine.problem import Problem

TASK_TYPES = ("job", "pickup", "delivery")
TYPES = (*TASK_TYPES, "break", "start", "end")
OURS = "give it in committed (ours), which fixes the beginning of a route"
AT_ONLY = "the engine fixes times: give service_at"
LEFT_OPEN = frozenset({Rule.COVERAGE, Rule.BREAK})
"""Rules that a start need not keep yet: the search serves the rest and places the breaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: what happens, and to which request (None for a break)."""

    entry: Fields
    kind: StopKind
    request: str | None
    is_job: bool
    number: int
    at_s: float | None


def read_steps(
    entry: Fields, key: str, ends: Mapping[tuple[str, int], tuple[StopKind, str]]
) -> list[Step]:
    """The `steps` or `committed` of a vehicle, without its start and end.

    Raises:
        VroomError: naming the field.

    """
    remedy = AT_ONLY if key == "committed" else OURS
    refused = {"service_after": remedy, "service_before": remedy}
    if key == "steps":
        refused["service_at"] = remedy
    steps = []
    for each in entry.parts(key):
        each.only(("type", "id", "service_at"), refused)
        step = _step(each, ends)
        if step is not None:
            steps.append(step)
    return steps


def _step(each: Fields, ends: Mapping[tuple[str, int], tuple[StopKind, str]]) -> Step | None:
    kind = each.text("type")
    if kind not in TYPES:
        raise each.error("type", f"is {kind[:20]!r}", f"give one of {', '.join(TYPES)}")
    if kind in {"start", "end"}:
        return None
    number = each.whole("id", high=LARGEST_ID)
    if kind in TASK_TYPES and (kind, number) not in ends:
        raise each.error("id", f"is {number}, which no {kind} has", "name a task of the input")
    stop, request = ends.get((kind, number), (StopKind.BREAK, None))
    return Step(
        entry=each,
        kind=stop,
        request=request,
        is_job=kind == "job",
        number=number,
        at_s=float(each.whole("service_at")) if each.has("service_at") else None,
    )


def committed_stops(steps: Sequence[Step]) -> tuple[Committed, ...]:
    """The fixed beginning; a job is a pickup and a drop-off."""
    stops = []
    for step in steps:
        stops.append(Committed(kind=step.kind, request=step.request, begin_s=step.at_s))
        if step.is_job:
            stops.append(Committed(kind=StopKind.DROPOFF, request=step.request))
    return tuple(stops)


def breaks_in_order(steps: Sequence[Step], vehicle: VroomVehicle) -> list[int]:
    """Positions of the vehicle's breaks, those of the committed steps first, as they come.

    Raises:
        VroomError: where a step names a break that the vehicle does not have, or names it twice.

    """
    known = {pause.id: position for position, pause in enumerate(vehicle.breaks)}
    taken: list[int] = []
    for step in steps:
        if step.kind is not StopKind.BREAK:
            continue
        if step.number not in known or known[step.number] in taken:
            raise step.entry.error(
                "id", f"is {step.number}, no break that is left", "name each break once"
            )
        taken.append(known[step.number])
    return taken + [position for position in known.values() if position not in taken]


def proposed_plan(
    problem: Problem, vehicles: Sequence[Fields], proposals: Sequence[Sequence[Step]]
) -> Plan | None:
    """The plan that the steps of each duty propose, or None where there are none.

    Raises:
        VroomError: where a proposal has no timetable or breaks a rule.

    """
    routes = []
    for duty, vehicle, steps in zip(problem.duties, vehicles, proposals, strict=True):
        if not steps:
            continue
        route = feasible_times(problem, duty, _sequence(steps, len(duty.committed)))
        if route is None:
            raise vehicle.error("steps", "have no timetable", "correct them, or the windows")
        violations = [v for v in check(problem, Plan(routes=(route,))) if v.rule not in LEFT_OPEN]
        if violations:
            first = violations[0]
            message = f"break a rule ({first.rule}: {first.subject}: {first.message})"
            raise vehicle.error("steps", message, "correct them")
        routes.append(route)
    return Plan(routes=tuple(routes)) if routes else None


def _sequence(steps: Sequence[Step], committed: int) -> list[tuple[StopKind, str | None]]:
    """Visits in order; breaks only where they are committed, the search places the others."""
    sequence: list[tuple[StopKind, str | None]] = []
    for step in steps:
        if step.kind is not StopKind.BREAK or len(sequence) < committed:
            sequence.append((step.kind, step.request))
        if step.is_job:
            sequence.append((StopKind.DROPOFF, step.request))
    return sequence
