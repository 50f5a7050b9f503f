"""Dial-a-ride instances after Cordeau: homogeneous vehicles, one depot, one maximum ride time.

Both dialects of the header `vehicles n duration capacity ride_time` are read: the a and b files
(2006) count requests, pr01 to pr20 (2003) count nodes; the closing depot's line may be missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.formats.benchmark import SECONDS_PER_UNIT, Instance, euclidean, window
from atmr_engine.formats.instance_text import MOST_NODES, MOST_VEHICLES, read_rows
from atmr_engine.plan import StopKind
from atmr_engine.problem import Capacity, Duty, Load, Problem, Request, Visit
from atmr_engine.weights import Weights

if TYPE_CHECKING:
    from pathlib import Path

    from atmr_engine.formats.instance_text import Row

HEADER = "vehicles, requests, maximum route duration, capacity, maximum ride time"
NODE = "node, x, y, service duration, load, window opens, window closes"
MOST_LOAD = 1_000_000


def read_cordeau(path: Path) -> Instance:
    """Read an instance; its nodes are the places 0 to 2n (+ 1) of the problem.

    Raises:
        InstanceError: naming file, line and remedy.

    """
    header, *nodes = read_rows(path)
    header.demand(5, HEADER)
    for row in nodes:
        row.demand(7, NODE)
    vehicles = header.whole(0, "the number of vehicles", 1, MOST_VEHICLES)
    requests = _request_count(header, len(nodes))
    for number, row in enumerate(nodes):
        row.whole(0, "the node number", number, number)
        if row.values[6] < row.values[5]:
            raise row.error("the window closes before it opens", "swap the last two numbers")
    problem = Problem(
        requests=tuple(_request(header, nodes, i, requests) for i in range(1, requests + 1)),
        duties=_duties(header, nodes, vehicles, requests),
        travel=euclidean([(row.values[1], row.values[2]) for row in nodes]),
        weights=Weights.distance_only(),
    )
    pickups = {i: (StopKind.PICKUP, str(i)) for i in range(1, requests + 1)}
    dropoffs = {i + requests: (StopKind.DROPOFF, str(i)) for i in range(1, requests + 1)}
    return Instance(name=path.stem, problem=problem, visits={**pickups, **dropoffs})


def _request_count(header: Row, nodes: int) -> int:
    """How many requests there are, from the header's count and the lines that follow."""
    count = header.whole(1, "the number of requests", 0, MOST_NODES)
    if nodes in {2 * count + 1, 2 * count + 2}:
        return count
    if count % 2 == 0 and nodes in {count + 1, count + 2}:
        return count // 2
    raise header.error(
        f"the header counts {count}, and {nodes} lines of nodes follow",
        f"{count} requests take {2 * count + 2} lines (the last depot may be left out), "
        f"{count} nodes {count + 1}",
    )


def _request(header: Row, nodes: list[Row], number: int, requests: int) -> Request:
    pickup, dropoff = nodes[number], nodes[number + requests]
    load = pickup.whole(4, "the load", 0, MOST_LOAD)
    dropoff.whole(4, f"the load (node {number} takes {load} on)", -load, -load)
    return Request(
        id=str(number),
        pickup=_visit(pickup),
        dropoff=_visit(dropoff),
        load=Load(seats=load),
        max_ride_s=header.amount(4, "the maximum ride time") * SECONDS_PER_UNIT,
    )


def _visit(row: Row) -> Visit:
    service = row.amount(3, "the service duration")
    return Visit(
        place=int(row.values[0]),
        window=window(row.values[5], row.values[6]),
        service_s=service * SECONDS_PER_UNIT,
    )


def _duties(header: Row, nodes: list[Row], vehicles: int, requests: int) -> tuple[Duty, ...]:
    closing = 2 * requests + 1
    capacity = header.whole(3, "the capacity", 0, MOST_LOAD)
    duration = header.amount(2, "the maximum route duration") * SECONDS_PER_UNIT
    depot = nodes[0].values
    return tuple(
        Duty(
            id=f"vehicle {number}",
            capacity=Capacity(seats=capacity),
            shift=window(depot[5], depot[6]),
            start_place=0,
            end_place=closing if closing < len(nodes) else 0,
            max_duration_s=duration,
        )
        for number in range(1, vehicles + 1)
    )
