"""The files of the command `atmr-engine`, each as a subject: a problem, and plans of it as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from atmr_engine.formats.cordeau import read_cordeau
from atmr_engine.formats.lilim import read_lilim
from atmr_engine.formats.plan_json import plan_document, read_plan
from atmr_engine.formats.route_lines import has_route_lines, read_route_lines, route_lines
from atmr_engine.formats.sartori import read_sartori
from atmr_engine.formats.vroom_input import read_vroom
from atmr_engine.formats.vroom_plan import read_vroom_plan
from atmr_engine.formats.vroom_solution import solution_document
from atmr_engine.objective import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from atmr_engine.formats.benchmark import Instance
    from atmr_engine.formats.vroom_case import VroomCase
    from atmr_engine.plan import Plan
    from atmr_engine.problem import Problem


class Format(StrEnum):
    """What kind of file an instance is."""

    CORDEAU = "cordeau"
    LILIM = "lilim"
    SARTORI = "sartori"
    VROOM = "vroom"
    CSV = "csv"


class Subject(Protocol):
    """What a file states, whichever format it has. `title` heads the table of its routes."""

    @property
    def title(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def warnings(self) -> tuple[str, ...]: ...

    @property
    def start(self) -> Plan | None: ...

    @property
    def problem(self) -> Problem: ...

    def cost(self, plan: Plan) -> float:
        """What the format compares plans by."""

    def document(self, plan: Plan) -> dict[str, Any]:
        """The plan as the format's programs read it; `routes` is in it."""

    def rows(self, plan: Plan) -> Iterator[tuple[str, str]]:
        """A vehicle and its stops for each route, for people."""

    def left_out(self, plan: Plan) -> Iterator[str]:
        """A line for each request that is not served, for people."""


@dataclass(frozen=True)
class BenchmarkSubject:
    """A benchmark: stops are nodes, the cost is the distance in the instance's units."""

    instance: Instance
    title: str = "nodes in order"
    warnings: tuple[str, ...] = ()
    start: Plan | None = None

    @property
    def name(self) -> str:
        return self.instance.name

    @property
    def problem(self) -> Problem:
        return self.instance.problem

    def cost(self, plan: Plan) -> float:
        return evaluate(self.problem, plan).distance_km

    def document(self, plan: Plan) -> dict[str, Any]:
        return plan_document(self.instance, plan)

    def rows(self, plan: Plan) -> Iterator[tuple[str, str]]:
        for number, route in enumerate(self.document(plan)["routes"], start=1):
            yield str(number), " ".join(map(str, route["nodes"]))

    def left_out(self, plan: Plan) -> Iterator[str]:
        nodes = self.document(plan)["unserved_nodes"]
        if nodes:
            yield "unserved pickups: " + " ".join(map(str, nodes))

    def route_lines(self, plan: Plan) -> str:
        """The plan as collections of solutions take it."""
        return route_lines(self.instance, plan)

    def read_plan(self, path: Path) -> Plan:
        """A plan from JSON, or from route lines."""
        reader = read_route_lines if has_route_lines(path) else read_plan
        return reader(self.instance, path)


@dataclass(frozen=True)
class VroomSubject:
    """A VROOM input: the answer is VROOM's solution, the cost is VROOM's cost."""

    case: VroomCase
    title: str = "tasks in order"

    @property
    def name(self) -> str:
        return self.case.name

    @property
    def problem(self) -> Problem:
        return self.case.problem

    @property
    def warnings(self) -> tuple[str, ...]:
        return self.case.warnings

    @property
    def start(self) -> Plan | None:
        return self.case.start

    def cost(self, plan: Plan) -> float:
        cost, weights = evaluate(self.problem, plan), self.problem.weights
        fixed = weights.duties_used * cost.duties_used
        return cost.distance_km + fixed + weights.emergency_duties * cost.emergency_duties

    def document(self, plan: Plan) -> dict[str, Any]:
        return solution_document(self.case, plan)

    def rows(self, plan: Plan) -> Iterator[tuple[str, str]]:
        for route in self.document(plan)["routes"]:
            tasks = [f"{step['type']} {step['id']}" for step in route["steps"] if "id" in step]
            yield str(route["vehicle"]), ", ".join(tasks)

    def left_out(self, plan: Plan) -> Iterator[str]:
        for task in self.document(plan)["unassigned"]:
            yield f"unassigned: {task['type']} {task['id']}: {task['reason']}"


BENCHMARKS: dict[Format, Callable[[Path], Instance]] = {
    Format.CORDEAU: read_cordeau,
    Format.LILIM: read_lilim,
    Format.SARTORI: read_sartori,
}


def read_subject(format_: Format, path: Path) -> BenchmarkSubject | VroomSubject:
    """An instance that is one file.

    Raises:
        InstanceError: naming file, place and remedy.

    """
    if format_ is Format.VROOM:
        return VroomSubject(read_vroom(path))
    return BenchmarkSubject(BENCHMARKS[format_](path))


def read_stated_plan(
    subject: BenchmarkSubject | VroomSubject, path: Path, *, retime: bool = False
) -> Plan:
    """A plan as it stands, to be judged.

    Raises:
        InstanceError: naming file, place and remedy.

    """
    if isinstance(subject, VroomSubject):
        return read_vroom_plan(subject.case, path, retime=retime)
    return subject.read_plan(path)
