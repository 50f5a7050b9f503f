"""VROOM's solution JSON as a plan, whoever made it, so that the checker can judge it.

Times are taken as they stand. A break that VROOM takes on the way is put at the stop before it,
where the engine has it: give `retime` to ask only whether the order of stops has a timetable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from atmr_engine.checker import feasible_times
from atmr_engine.formats.instance_text import InstanceError
from atmr_engine.formats.json_text import read_object
from atmr_engine.formats.vroom_fields import LARGEST_ID, Fields, VroomError
from atmr_engine.plan import Plan, PlannedStop, Route, StopKind, Unserved
from atmr_engine.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from atmr_engine.formats.vroom_case import VroomCase
    from atmr_engine.problem import Duty

REMEDY = 'give the JSON that VROOM writes: {"code": 0, "routes": [{"vehicle": 1, "steps": [...]}]}'
TASK_TYPES = ("job", "pickup", "delivery")
ENDS = frozenset({StopKind.START, StopKind.END})
LATEST = 1e12


def read_vroom_plan(case: VroomCase, path: Path, *, retime: bool = False) -> Plan:
    """Read a solution of `case` from a file.

    Raises:
        InstanceError: naming file, field and remedy where it is no solution of the case.

    """
    document = read_object(path, REMEDY)
    try:
        return vroom_plan(case, document, retime=retime)
    except VroomError as error:
        message = f"{error.field} {error.message}"
        raise InstanceError(path, None, message, error.remedy) from None


def vroom_plan(case: VroomCase, document: Mapping[str, Any], *, retime: bool = False) -> Plan:
    """The plan as it stands, valid or not; `check` judges it.

    With `retime` only the order of stops counts: a route gets a feasible timetable (the k-th break
    step is the k-th break of the vehicle), or keeps its own where there is none. Tasks listed as
    unassigned are left out on purpose; the `violations` of the document are not read.

    Raises:
        VroomError: where it is no solution of the case.

    """
    top = Fields("", document)
    if top.whole("code", 0) != 0:
        raise top.error("code", f"says that there is no solution: {top.text('error')[:80]}", REMEDY)
    if not top.has("routes"):
        raise top.error("routes", "is missing", REMEDY)
    routes = [_Reader(case, entry).route(retime=retime) for entry in top.parts("routes")]
    left_out = [_unassigned(case, entry) for entry in top.parts("unassigned")]
    return Plan(
        routes=tuple(r for r in routes if any(stop.request for stop in r.stops)),
        unserved=tuple({entry.request: entry for entry in left_out}.values()),
    )


def _unassigned(case: VroomCase, entry: Fields) -> Unserved:
    _, request = _end_of(case, entry)
    rule = entry.text("rule")
    known = rule in set(Rule)
    return Unserved(
        request=request,
        rule=Rule(rule) if known else Rule.COVERAGE,
        reason=entry.text("reason") or "left out by the solution",
    )


def _end_of(case: VroomCase, entry: Fields) -> tuple[StopKind, str]:
    kind, number = entry.text("type"), entry.whole("id", high=LARGEST_ID)
    if (kind, number) not in case.ends:
        raise entry.error(
            "id", f"is {number}, which no {kind[:20]} has", "name a task of the input"
        )
    return case.ends[kind, number]


@dataclass(slots=True)
class _Reader:
    """Reads one route of a document."""

    case: VroomCase
    entry: Fields

    def route(self, *, retime: bool) -> Route:
        number = self.entry.whole("vehicle", high=LARGEST_ID)
        if number not in self.case.duties:
            raise self.entry.error("vehicle", f"is {number}, which is none of the input", REMEDY)
        name, problem = self.case.duties[number], self.case.problem
        duty = problem.duties[problem.duty_index[name]]
        stops: list[PlannedStop] = []
        for step in self.entry.parts("steps"):
            stops += self._stops(step, duty, stops)
        stops = _with_ends(stops, duty.start_place, duty.end_place)
        sequence = [(stop.kind, stop.request) for stop in stops if stop.kind not in ENDS]
        pauses = sum(kind is StopKind.BREAK for kind, _ in sequence)
        if retime and sequence and pauses <= len(duty.breaks):
            timed = feasible_times(problem, duty, sequence)
            stops = stops if timed is None else list(timed.stops)
        return Route(duty=name, stops=tuple(stops))

    def _stops(self, step: Fields, duty: Duty, before: Sequence[PlannedStop]) -> list[PlannedStop]:
        """One stop, or two for a job."""
        kind = step.text("type")
        if not step.has("arrival"):
            raise step.error("arrival", "is missing", "give seconds")
        arrival = step.number("arrival", 0.0, low=-LATEST, high=LATEST) - self.case.offset_s
        begin = arrival + _seconds(step, "waiting_time")
        if kind in ENDS:
            place = duty.start_place if kind == "start" else duty.end_place
            return [_stop(StopKind(kind), place, arrival, begin, begin)]
        if kind == "break":
            place_before = before[-1].place if before else None
            end = begin + _seconds(step, "setup") + _seconds(step, "service")
            return [_stop(StopKind.BREAK, place_before, arrival, begin, end)]
        if kind not in TASK_TYPES:
            raise step.error("type", f"is {kind[:20]!r}", "give what VROOM writes")
        stop, request = _end_of(self.case, step)
        task = self.case.tasks[stop, request]
        spent = _seconds(step, "setup", task.setup_s) + _seconds(step, "service", task.service_s)
        visit = _stop(stop, task.place.index, arrival, begin, begin + spent, request)
        if kind != "job":
            return [visit]
        end = visit.end_s
        return [visit, _stop(StopKind.DROPOFF, task.place.index, end, end, end, request)]


def _seconds(step: Fields, key: str, default: float = 0.0) -> float:
    return step.number(key, default, low=0.0, high=LATEST)


def _stop(
    kind: StopKind,
    place: int | None,
    arrival_s: float,
    begin_s: float,
    end_s: float,
    request: str | None = None,
) -> PlannedStop:
    return PlannedStop(
        kind=kind, place=place, arrival_s=arrival_s, begin_s=begin_s, end_s=end_s, request=request
    )


def _with_ends(
    stops: Sequence[PlannedStop], start: int | None, end: int | None
) -> list[PlannedStop]:
    """The stops with a start and an end: VROOM writes none where a vehicle has no such place."""
    whole = list(stops)
    if not whole:
        return whole
    if whole[0].kind is not StopKind.START and start is None:
        first = whole[0].arrival_s
        whole.insert(0, _stop(StopKind.START, None, first, first, first))
    if whole[-1].kind is not StopKind.END and end is None:
        last = whole[-1].end_s
        whole.append(_stop(StopKind.END, None, last, last, last))
    return whole
