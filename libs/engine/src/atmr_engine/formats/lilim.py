"""Pickup-and-delivery instances after Li and Lim (2003): fewest vehicles first, then distance.

The third number of the header, a speed, is ignored, as in the published results: one unit of
distance takes one unit of time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.formats.benchmark import Instance, euclidean, window
from atmr_engine.formats.instance_text import MOST_VEHICLES, read_rows
from atmr_engine.formats.pairs import (
    MOST_LOAD,
    NODE,
    check_node,
    node_pairs,
    paired_request,
    visits_of,
)
from atmr_engine.problem import Capacity, Duty, Problem
from atmr_engine.weights import Weights

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "vehicles, capacity, speed"


def read_lilim(path: Path) -> Instance:
    """Read an instance; its nodes are the places of the problem, a request's id its pickup node.

    Raises:
        InstanceError: naming file, line and remedy.

    """
    header, *nodes = read_rows(path)
    header.demand(3, HEADER)
    vehicles = header.whole(0, "the number of vehicles", 1, MOST_VEHICLES)
    capacity = header.whole(1, "the capacity", 0, MOST_LOAD)
    if not nodes:
        raise header.error("no node follows", f"the next line is the depot's: {NODE}")
    for number, row in enumerate(nodes):
        check_node(row, number)
    pairs = node_pairs(nodes)
    depot = nodes[0].values
    problem = Problem(
        requests=tuple(paired_request(nodes[a], nodes[b]) for a, b in pairs),
        duties=tuple(
            Duty(
                id=f"vehicle {number}",
                capacity=Capacity(seats=capacity),
                shift=window(depot[4], depot[5]),
                start_place=0,
                end_place=0,
            )
            for number in range(1, vehicles + 1)
        ),
        travel=euclidean([(row.values[1], row.values[2]) for row in nodes]),
        weights=Weights.vehicles_first(),
    )
    return Instance(name=path.stem, problem=problem, visits=visits_of(pairs))
