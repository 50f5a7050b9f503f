"""plan.json of a benchmark: routes as the instance's own node numbers and times, depots left out.

Anybody can check such a file. One with nodes alone is read too: it gets its earliest timetable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atmr_engine.formats.bare_route import nth_route
from atmr_engine.formats.benchmark import SECONDS_PER_UNIT
from atmr_engine.formats.instance_text import InstanceError
from atmr_engine.formats.json_text import read_object
from atmr_engine.plan import Plan, StopKind, Unserved
from atmr_engine.rules import Rule

if TYPE_CHECKING:
    from pathlib import Path

    from atmr_engine.formats.bare_route import VisitSequence
    from atmr_engine.formats.benchmark import Instance
    from atmr_engine.plan import Route

LATEST = 1e9
"""Instance units, in either direction; no benchmark comes near."""
REMEDY = 'write {"routes": [{"nodes": [1, 17], "times": [5.2, 20.0]}]}'


def plan_document(instance: Instance, plan: Plan) -> dict[str, Any]:
    """`routes` with `nodes` and `times` (begin of service, instance units), `unserved_nodes`."""
    nodes = instance.nodes
    routes = [[stop for stop in route.stops if stop.request is not None] for route in plan.routes]
    return {
        "routes": [
            {
                "nodes": [nodes[stop.kind, stop.request or ""] for stop in stops],
                "times": [stop.begin_s / SECONDS_PER_UNIT for stop in stops],
            }
            for stops in routes
            if stops
        ],
        "unserved_nodes": [nodes[StopKind.PICKUP, entry.request] for entry in plan.unserved],
    }


def read_plan(instance: Instance, path: Path) -> Plan:
    """Read a plan of `instance` as it stands, valid or not; `check` judges it.

    Routes go to the duties in order; more routes than vehicles go to duties that do not exist.
    Missing `times` are filled in with a feasible timetable, or with the earliest one where no
    timetable is feasible.

    Raises:
        InstanceError: naming file, part and remedy where it is no plan of the instance.

    """
    document = read_object(path, REMEDY)
    routes = _list(path, document.get("routes"), "routes")
    read = [_route(instance, path, number, entry) for number, entry in enumerate(routes)]
    unserved = _nodes(instance, path, document.get("unserved_nodes", []), "unserved_nodes")
    entries = [
        Unserved(request=request, rule=Rule.COVERAGE, reason="left out by the plan file")
        for _, request in unserved
    ]
    return Plan(routes=tuple(route for route in read if route.requests), unserved=tuple(entries))


def _list(path: Path, value: object, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise InstanceError(path, None, f"{name} is no list", REMEDY)
    return value


def _route(instance: Instance, path: Path, number: int, entry: object) -> Route:
    name = f"routes[{number}]"
    if not isinstance(entry, dict):
        raise InstanceError(path, None, f"{name} is no object", REMEDY)
    sequence = _nodes(instance, path, entry.get("nodes"), f"{name}.nodes")
    stated = entry.get("times")
    times = None if stated is None else _times(path, stated, f"{name}.times", len(sequence))
    return nth_route(instance.problem, number, sequence, times)


def _nodes(instance: Instance, path: Path, value: object, name: str) -> VisitSequence:
    nodes = _list(path, value, name)
    if len(nodes) > len(instance.visits):
        raise InstanceError(
            path, None, f"{name} has more nodes than the instance", "name each node once"
        )
    visits = []
    for position, node in enumerate(nodes):
        if type(node) is not int or node not in instance.visits:
            raise InstanceError(
                path,
                None,
                f"{name}[{position}] is {str(node)[:40]}, no pickup or drop-off of the instance",
                f"give node numbers from {min(instance.visits, default=0)} to "
                f"{max(instance.visits, default=0)}, without the depot",
            )
        visits.append(instance.visits[node])
    return visits


def _times(path: Path, value: object, name: str, count: int) -> list[float]:
    """Times in seconds."""
    times = _list(path, value, name)
    if len(times) != count:
        raise InstanceError(
            path, None, f"{name} has {len(times)} times for {count} nodes", "give one per node"
        )
    for position, time in enumerate(times):
        if type(time) not in {int, float} or not -LATEST < time < LATEST:
            raise InstanceError(
                path, None, f"{name}[{position}] is {str(time)[:40]}", "give a finite number"
            )
    return [float(time) * SECONDS_PER_UNIT for time in times]
