"""Routes as published solutions state them: `Route 1 : 5 9 12`, node numbers without the depot.

A text file of such lines, with or without a heading, is what the collections of Li and Lim and of
Sartori and Buriol exchange.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from atmr_engine.formats.bare_route import nth_route
from atmr_engine.formats.instance_text import InstanceError, read_text
from atmr_engine.formats.json_text import MOST_BYTES
from atmr_engine.plan import Plan

if TYPE_CHECKING:
    from pathlib import Path

    from atmr_engine.formats.bare_route import VisitSequence
    from atmr_engine.formats.benchmark import Instance
    from atmr_engine.plan import StopKind

ROUTE = re.compile(r"\s*route\s*#?\s*\d{1,9}\s*:(.*)", re.IGNORECASE)
LONGEST_NUMBER = 9


def has_route_lines(path: Path) -> bool:
    """Whether a file holds route lines, and is not JSON.

    Raises:
        InstanceError: where it cannot be read.

    """
    text = read_text(path, MOST_BYTES).lstrip()
    return text[:1] not in {"{", "["} and any(map(ROUTE.fullmatch, text.splitlines()))


def route_lines(instance: Instance, plan: Plan, *, authors: str = "", date: str = "") -> str:
    """The plan as a published solution: five lines of heading, then a line for each route.

    The fifth line of the heading says where the routes begin, so that the validator of Sartori
    and Buriol reads it.
    """
    nodes = instance.nodes
    heading = [
        f"Instance name : {instance.name}",
        f"Authors : {authors}",
        f"Date : {date}",
        "Reference : ",
        "Solution",
    ]
    routes = [
        [nodes[stop.kind, stop.request] for stop in route.stops if stop.request is not None]
        for route in plan.routes
    ]
    lines = [
        f"Route {number} : {' '.join(map(str, stops))}"
        for number, stops in enumerate(filter(None, routes), start=1)
    ]
    return "\n".join([*heading, *lines]) + "\n"


def read_route_lines(instance: Instance, path: Path) -> Plan:
    """Read routes of `instance`; each gets a feasible timetable, or the earliest where none is.

    Routes go to the duties in order, more routes than vehicles to duties that do not exist.
    A request that no route names is left out unsaid, which `check` refuses.

    Raises:
        InstanceError: naming file, line and remedy.

    """
    sequences = enumerate(_sequences(instance, path))
    return Plan(routes=tuple(nth_route(instance.problem, k, visits) for k, visits in sequences))


def _sequences(instance: Instance, path: Path) -> list[VisitSequence]:
    sequences = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        route = ROUTE.fullmatch(line)
        if route is not None:
            words = route[1].split()
            sequences.append([_visit(instance, path, number, word) for word in words])
        elif sequences and line.strip():
            raise InstanceError(path, number, f"{line[:40]!r} is no route", "write Route 2 : 3 1 4")
    return [sequence for sequence in sequences if sequence]


def _visit(instance: Instance, path: Path, line: int, word: str) -> tuple[StopKind, str]:
    known = word.isascii() and word.isdecimal() and len(word) <= LONGEST_NUMBER
    visit = instance.visits.get(int(word)) if known else None
    if visit is None:
        raise InstanceError(
            path,
            line,
            f"{word[:40]!r} is no pickup or drop-off of the instance",
            f"give node numbers from {min(instance.visits, default=0)} to "
            f"{max(instance.visits, default=0)}, without the depot",
        )
    return visit
