"""Nodes of pickup-and-delivery benchmarks, paired: each names the other one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.formats.benchmark import SECONDS_PER_UNIT, window
from atmr_engine.formats.instance_text import MOST_NODES
from atmr_engine.plan import StopKind
from atmr_engine.problem import Load, Request, Visit

if TYPE_CHECKING:
    from atmr_engine.formats.instance_text import Row

NODE = "node, x, y, demand, window opens, window closes, service, pickup node, delivery node"
MOST_LOAD = 1_000_000
PICKUP, DELIVERY = 7, 8
"""Columns: a delivery names its pickup, a pickup its delivery, the other one is 0."""


def check_node(row: Row, number: int) -> None:
    """Refuse a line that is not the node of that number, or whose window is none."""
    row.demand(9, NODE)
    row.whole(0, "the node number", number, number)
    if row.values[5] < row.values[4]:
        raise row.error("the window closes before it opens", "swap the fifth and sixth number")


def node_pairs(nodes: list[Row]) -> list[tuple[int, int]]:
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


def visits_of(pairs: list[tuple[int, int]]) -> dict[int, tuple[StopKind, str]]:
    """What happens at each node; a request's id is its pickup node's number."""
    visits = {a: (StopKind.PICKUP, str(a)) for a, _ in pairs}
    return visits | {b: (StopKind.DROPOFF, str(a)) for a, b in pairs}


def paired_request(pickup: Row, delivery: Row) -> Request:
    """The request from one node to the other."""
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
