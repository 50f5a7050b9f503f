"""vrp-cli (reinterpretcat) in its pragmatic format; no ride times, so windows are narrowed.

It counts a route's duration from when the shift opens and takes whole seconds as its limit.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import vrp_cli

from atmr_engine.bench.peers.peer import Found
from atmr_engine.bench.peers.whole_numbers import whole_numbers

if TYPE_CHECKING:
    from atmr_engine.bench.peers.peer import Search
    from atmr_engine.bench.peers.whole_numbers import WholeProblem, WholeRequest
    from atmr_engine.formats.benchmark import Instance

PROFILE = "car"
ORIGIN = datetime(2026, 1, 1, tzinfo=UTC)
"""Times are moments; a step is a second."""


class VrpPragmatic:
    """Its default search on one thread; vehicles first by its own order of objectives."""

    def state(self, instance: Instance) -> Search:
        """Write the documents that it reads; it parses them within the clock."""
        problem = whole_numbers(instance)
        document = json.dumps(
            {
                "plan": {"jobs": [_job(request, problem) for request in problem.requests]},
                "fleet": {"vehicles": [_vehicles(problem)], "profiles": [{"name": PROFILE}]},
                "objectives": _objectives(problem),
            }
        )
        matrix = json.dumps(
            {
                "profile": PROFILE,
                "travelTimes": problem.ways.ravel().tolist(),
                "distances": problem.lengths.ravel().tolist(),
            }
        )
        nodes = [(request.pickup_node, request.dropoff_node) for request in problem.requests]
        return partial(_search, document, matrix, nodes)


def _moment(step: int) -> str:
    return (ORIGIN + timedelta(seconds=step)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _job(request: WholeRequest, problem: WholeProblem) -> dict[str, Any]:
    windows = request.narrowed(problem.ways)
    return {
        "id": str(request.pickup_node),
        "pickups": [
            _task(
                request.pickup_place,
                request.pickup_service,
                (windows.pickup_open, windows.pickup_close),
                request.load,
            )
        ],
        "deliveries": [
            _task(
                request.dropoff_place,
                request.dropoff_service,
                (windows.dropoff_open, windows.dropoff_close),
                request.load,
            )
        ],
    }


def _task(place: int, service: int, window: tuple[int, int], load: int) -> dict[str, Any]:
    times = [[_moment(window[0]), _moment(window[1])]]
    there = {"location": {"index": place}, "duration": service, "times": times}
    return {"places": [there], "demand": [load]}


def _vehicles(problem: WholeProblem) -> dict[str, Any]:
    limit = problem.longest_route
    return {
        "typeId": "vehicle",
        "vehicleIds": [str(number) for number in range(problem.vehicles)],
        "profile": {"matrix": PROFILE},
        "costs": {"fixed": problem.fixed_cost, "distance": 1, "time": 0},
        "shifts": [
            {
                "start": {
                    "earliest": _moment(problem.opens),
                    "location": {"index": problem.start_place},
                },
                "end": {
                    "latest": _moment(problem.closes),
                    "location": {"index": problem.end_place},
                },
            }
        ],
        "capacity": [problem.capacity],
        **({} if limit is None else {"limits": {"maxDuration": limit}}),
    }


def _objectives(problem: WholeProblem) -> list[list[dict[str, str]]]:
    order = ["minimize-unassigned", "minimize-cost"]
    if problem.fixed_cost:
        order.insert(1, "minimize-tours")
    return [[{"type": name}] for name in order]


def _search(
    document: str,
    matrix: str,
    nodes: list[tuple[int, int]],
    seconds: float,
    seed: int,  # noqa: ARG001 (it takes no seed, and draws another one each time)
) -> Found:
    settings = {
        "termination": {"maxTime": max(1, round(seconds))},
        "environment": {
            "parallelism": {"numThreadPools": 1, "threadsPerPool": 1},
            "logging": {"enabled": False},
        },
    }
    answer = vrp_cli.solve_pragmatic(
        problem=document, matrices=[matrix], config=json.dumps(settings)
    )
    dropoffs = dict(nodes)
    return Found(routes=[_nodes(tour, dropoffs) for tour in json.loads(answer)["tours"]])


def _nodes(tour: dict[str, Any], dropoffs: dict[int, int]) -> list[int]:
    nodes = []
    for stop in tour["stops"]:
        for activity in stop["activities"]:
            if activity["type"] == "pickup":
                nodes.append(int(activity["jobId"]))
            elif activity["type"] == "delivery":
                nodes.append(dropoffs[int(activity["jobId"])])
    return nodes
