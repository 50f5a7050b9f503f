"""Pickup and delivery on real roads after Sartori and Buriol (2020): vehicles first, then minutes.

Times are whole minutes from the file's own matrix, coordinates are not used, and the number of
vehicles is not limited. The cost of a plan is its minutes of driving.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.formats.benchmark import SECONDS_PER_UNIT, Instance, window
from atmr_engine.formats.instance_text import (
    MOST_NODES,
    InstanceError,
    Row,
    read_text,
    row_of,
)
from atmr_engine.formats.pairs import (
    MOST_LOAD,
    check_node,
    node_pairs,
    paired_request,
    visits_of,
)
from atmr_engine.objective import Weights
from atmr_engine.problem import Capacity, Duty, Problem, Travel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from atmr_engine.problem import Request, TimeWindow

MOST_BYTES = 128_000_000
LONGEST_ROW = 8 * MOST_NODES
LONGEST_MIN = 1_000_000
ENDINGS = ("EOF", "EO")
"""Both are described by the authors."""


def read_sartori(path: Path) -> Instance:
    """Read an instance; its nodes are the places of the problem, a request's id its pickup node.

    It gets `vehicles_enough` vehicles.

    Raises:
        InstanceError: naming file, line and remedy.

    """
    sections = _sections(path)
    size = sections.whole("SIZE", 1, MOST_NODES)
    capacity = sections.whole("CAPACITY", 0, MOST_LOAD)
    sections.demand_type()
    nodes = sections.rows("NODES", size)
    for number, row in enumerate(nodes):
        check_node(row, number)
    pairs = node_pairs(nodes)
    requests = tuple(paired_request(nodes[a], nodes[b]) for a, b in pairs)
    depot = nodes[0]
    closes = depot.values[5]
    if "ROUTE-TIME" in sections.header:
        closes = min(closes, sections.whole("ROUTE-TIME", 0, LONGEST_MIN))
    if closes < depot.values[4]:
        raise depot.error("the depot opens after ROUTE-TIME", "let vehicles leave before it")
    shift = window(depot.values[4], closes)
    travel = _travel(sections.rows("EDGES", size))
    vehicles = vehicles_enough(requests, shift, travel)
    problem = Problem(
        requests=requests,
        duties=tuple(_duty(number, capacity, shift) for number in range(1, vehicles + 1)),
        travel=travel,
        weights=Weights.vehicles_first(),
    )
    return Instance(name=sections.name(), problem=problem, visits=visits_of(pairs))


def vehicles_enough(requests: Sequence[Request], shift: TimeWindow, travel: Travel) -> int:
    """How many vehicles serve all that can be served, each carrying one request after another.

    A greedy plan (by the end of the pickup window, on the vehicle that idles least) needs that
    many, so neither a plan for all requests nor one with the fewest vehicles is ruled out. A
    request that a vehicle of its own cannot serve counts as one vehicle.
    """
    free_s, places = np.empty(0), np.empty(0, dtype=np.int64)
    for request in sorted(requests, key=lambda each: each.pickup.window.close_s):
        ends_s = _trip_ends(request, free_s, places, shift, travel)
        fitting = np.flatnonzero(ends_s < np.inf)
        if len(fitting):
            vehicle = int(fitting[np.argmax(free_s[fitting])])
            free_s[vehicle], places[vehicle] = ends_s[vehicle], request.dropoff.place
        else:
            alone = _trip_ends(request, np.array([shift.open_s]), np.array([0]), shift, travel)
            free_s = np.append(free_s, alone)
            places = np.append(places, request.dropoff.place)
    return max(1, len(free_s))


def _trip_ends(
    request: Request,
    free_s: NDArray[np.float64],
    places: NDArray[np.int64],
    shift: TimeWindow,
    travel: Travel,
) -> NDArray[np.float64]:
    """When each vehicle, free somewhere, has carried the request; inf where it comes too late."""
    for visit in (request.pickup, request.dropoff):
        begins_s = np.maximum(free_s + travel.time_s[places, visit.place], visit.window.open_s)
        free_s = np.where(begins_s <= visit.window.close_s, begins_s + visit.service_s, np.inf)
        places = np.full_like(places, visit.place)
    back_s = free_s + travel.time_s[places, 0]
    return np.where(back_s <= shift.close_s, free_s, np.inf)


def _duty(number: int, capacity: int, shift: TimeWindow) -> Duty:
    return Duty(
        id=f"vehicle {number}",
        capacity=Capacity(seats=capacity),
        shift=shift,
        start_place=0,
        end_place=0,
    )


def _travel(rows: list[Row]) -> Travel:
    minutes = np.array([row.values for row in rows], dtype=np.float64)
    wrong = np.argwhere((minutes < 0) | (minutes > LONGEST_MIN) | (minutes != np.floor(minutes)))
    if len(wrong):
        line, column = wrong[0]
        rows[line].whole(column, f"the time to node {column}", 0, LONGEST_MIN)
    return Travel(time_s=minutes * SECONDS_PER_UNIT, distance_km=minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sections:
    """The parts of a file, by line: fields with their text, nodes and edges as they stand."""

    path: Path
    header: dict[str, tuple[int, str]]
    tables: dict[str, list[tuple[int, str]]]

    def name(self) -> str:
        return self.header["NAME"][1] if "NAME" in self.header else self.path.stem

    def whole(self, field: str, low: int, high: int) -> int:
        """The number of a field that the file must have."""
        if field not in self.header:
            raise InstanceError(
                self.path, None, f"has no {field}", f"write a line {field}: and the number"
            )
        line, text = self.header[field]
        row = row_of(self.path, line, text)
        row.demand(1, f"the number of {field}")
        return row.whole(0, field, low, high)

    def demand_type(self) -> None:
        line, text = self.header.get("TYPE", (None, "PDPTW"))
        if text != "PDPTW":
            raise InstanceError(
                self.path, line, f"TYPE is {text[:40]!r}", "only PDPTW is of this format"
            )

    def rows(self, table: str, size: int) -> list[Row]:
        """The rows of a table of `size` nodes."""
        lines = self.tables[table]
        if len(lines) != size:
            line = lines[-1][0] if lines else None
            raise InstanceError(
                self.path, line, f"{table} has {len(lines)} lines", f"SIZE says {size}"
            )
        rows = [row_of(self.path, line, text, LONGEST_ROW) for line, text in lines]
        if table == "EDGES":
            for row in rows:
                row.demand(size, f"the minutes to each of the {size} nodes")
        return rows


def _sections(path: Path) -> _Sections:
    header: dict[str, tuple[int, str]] = {}
    tables: dict[str, list[tuple[int, str]]] = {"NODES": [], "EDGES": []}
    table, ended = "", False
    for number, line in enumerate(read_text(path, MOST_BYTES).splitlines(), start=1):
        text = line.strip()
        if not text:
            continue
        if ended:
            raise InstanceError(path, number, "stands behind the end", f"end with {ENDINGS[0]}")
        if text in ENDINGS:
            ended = True
        elif text in tables:
            table = text
        elif table:
            tables[table].append((number, text))
        else:
            _add_field(path, number, text, header)
    return _Sections(path=path, header=header, tables=tables)


def _add_field(path: Path, number: int, text: str, header: dict[str, tuple[int, str]]) -> None:
    name, colon, value = text.partition(":")
    name = name.strip()
    if not colon:
        raise InstanceError(
            path, number, f"{text[:40]!r} is no field", "write NAME: value, before NODES"
        )
    if name in header:
        first = header[name][0]
        raise InstanceError(path, number, f"{name[:40]} is on line {first} too", "keep one")
    header[name] = (number, value.strip())
