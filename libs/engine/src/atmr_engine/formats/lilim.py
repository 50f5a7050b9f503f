"""Pickup-and-delivery instances after Li and Lim (2003): fewest vehicles first, then distance.

The third number of the header, a speed, is ignored, as in the published results: one unit of
distance takes one unit of time.
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

HEADER = "vehicles, capacity, speed"
NODE = "node, x, y, demand, window opens, window closes, service, pickup node, delivery node"
MOST_LOAD = 1_000_000
PICKUP, DELIVERY = 7, 8
"""Columns: a delivery names its pickup, a pickup its delivery, the other one is 0."""


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
        row.demand(9, NODE)
        row.whole(0, "the node number", number, number)
        if row.values[5] < row.values[4]:
            raise row.error("the window closes before it opens", "swap the fifth and sixth number")
    pairs = _pairs(nodes)
    depot = nodes[0].values
    problem = Problem(
        requests=tuple(_request(nodes[a], nodes[b]) for a, b in pairs),
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
    visits = {a: (StopKind.PICKUP, str(a)) for a, _ in pairs}
    visits |= {b: (StopKind.DROPOFF, str(a)) for a, b in pairs}
    return Instance(name=path.stem, problem=problem, visits=visits)


def _pairs(nodes: list[Row]) -> list[tuple[int, int]]:
    """Pickup and delivery nodes of each request; every node but the depot is in one pair."""
    pairs = []
    for number, row in enumerate(nodes[1:], start=1):
        pickup = row.whole(PICKUP, "the pickup node", 0, min(MOST_NODES, len(nodes) - 1))
        delivery = row.whole(DELIVERY, "the delivery node", 0, min(MOST_NODES, len(nodes) - 1))
        if (pickup == 0) == (delivery == 0):
            raise row.error("is neither a pickup nor a delivery", "set one of the last two to 0")
        other, back = (delivery, PICKUP) if delivery else (pickup, DELIVERY)
        if nodes[other].values[back] != number:
            raise row.error(
                f"names node {other}, which does not name node {number}",
                "let pickup and delivery name each other",
            )
        if delivery:
            pairs.append((number, delivery))
    return pairs


def _request(pickup: Row, delivery: Row) -> Request:
    load = pickup.whole(3, "the demand", 0, MOST_LOAD)
    delivery.whole(3, f"the demand (its pickup takes {load} on)", -load, -load)
    return Request(
        id=str(int(pickup.values[0])),
        pickup=_visit(pickup),
        dropoff=_visit(delivery),
        load=Load(seats=load),
    )


def _visit(row: Row) -> Visit:
    service = row.amount(6, "the service duration")
    return Visit(
        place=int(row.values[0]),
        window=window(row.values[4], row.values[5]),
        service_s=service * SECONDS_PER_UNIT,
    )
