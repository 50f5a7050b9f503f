"""The judge finds the published solutions valid, at the cost that they state, to the cent."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import pytest

from atmr_engine.checker import check, feasible_times
from atmr_engine.formats.bare_route import timed_route
from atmr_engine.formats.cordeau import read_cordeau
from atmr_engine.formats.lilim import read_lilim
from atmr_engine.objective import evaluate
from atmr_engine.plan import Plan, PlannedStop, Route, StopKind

pytestmark = pytest.mark.shared_data
_ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("ATMR_SHARED", _ROOT.parent / "shared")) / "data"
LILIM = sorted((SHARED / "pdptw" / "solutions_100").glob("*.txt"))
ROUNDING_S = 0.01 * 60.0
"""Two times, each rounded to two decimals of a minute, are off by this much together."""

# "35 (w:0.00 a:215.00; t:2.42; q:1.00)" in some files, "18 (0.00 128.52; 0.00; 1.00)" in others.
_STOP = re.compile(r"(\d+) \((?:b:|w:)?\s*([\d.]+)(?:\s+(?:a:)?\s*([\d.]+))?;")


def shared(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.name} is absent: set ATMR_SHARED to the folder of the benchmark data")
    return path


def published_routes(text: str) -> list[list[tuple[int, float]]]:
    """Node and begin of service in seconds (departure and return at the depot) of each route."""
    routes = []
    for line in text.splitlines():
        stops = _STOP.findall(line)
        if stops:
            routes.append([(int(n), 60.0 * float(begin or first)) for n, first, begin in stops])
    return routes


def at_published_ends(route: Route, departure_s: float, return_s: float) -> Route:
    """The route with the departure and the return that the file states."""

    def at(stop: PlannedStop, time_s: float) -> PlannedStop:
        return PlannedStop(
            kind=stop.kind, place=stop.place, arrival_s=time_s, begin_s=time_s, end_s=time_s
        )

    first, *between, last = route.stops
    return Route(duty=route.duty, stops=(at(first, departure_s), *between, at(last, return_s)))


@pytest.mark.parametrize("number", range(1, 11))
def test_cordeau_2003_is_reproduced(number: int) -> None:
    instance = read_cordeau(shared(SHARED / "darp" / f"pr{number:02d}"))
    text = (SHARED / "darp" / "solutions_2003" / f"pr{number:02d}.res").read_text()
    problem = instance.problem
    stated, exact = [], []
    for duty, published in zip(problem.duties, published_routes(text), strict=False):
        (_, departure_s), *stops, (_, return_s) = published
        sequence = [instance.visits[node] for node, _ in stops]
        timed = timed_route(problem, duty, sequence, [begin_s for _, begin_s in stops])
        stated.append(at_published_ends(timed, departure_s, return_s))
        feasible = feasible_times(problem, duty, sequence)
        assert feasible is not None, f"{duty.id} has no timetable"
        exact.append(feasible)
    plan = Plan(routes=tuple(stated))
    assert check(problem, plan, tolerance_s=ROUNDING_S + 1e-6) == []
    assert check(problem, Plan(routes=tuple(exact))) == []
    assert round(evaluate(problem, plan).total, 2) == float(text.split()[0])


def test_a_published_route_with_two_stops_exchanged_is_refused() -> None:
    instance = read_cordeau(shared(SHARED / "darp" / "pr01"))
    text = (SHARED / "darp" / "solutions_2003" / "pr01.res").read_text()
    nodes = [node for node, _ in published_routes(text)[0]][1:-1]
    sequence = [instance.visits[node] for node in reversed(nodes)]
    assert feasible_times(instance.problem, instance.problem.duties[0], sequence) is None


def test_all_published_li_and_lim_solutions_are_there() -> None:
    shared(SHARED / "pdptw" / "solutions_100")
    assert len(LILIM) == 29


@pytest.mark.parametrize("path", LILIM, ids=lambda path: path.name)
def test_li_and_lim_is_reproduced(path: Path) -> None:
    name = path.name.split(".")[0]
    instance = read_lilim(SHARED / "pdptw" / "pdp_100" / f"{name}.txt")
    with (SHARED / "pdptw" / "bks.csv").open() as file:
        best = {row["instance"]: row for row in csv.DictReader(file)}[name]
    problem = instance.problem
    routes = []
    listed = re.findall(r"Route\s+\d+\s*:\s*([\d ]+)", path.read_text())
    for duty, nodes in zip(problem.duties, listed, strict=False):
        visits: list[tuple[StopKind, str | None]] = [instance.visits[int(n)] for n in nodes.split()]
        route = feasible_times(problem, duty, visits)
        assert route is not None, f"{duty.id} has no timetable"
        routes.append(route)
    plan = Plan(routes=tuple(routes))
    cost = evaluate(problem, plan)
    assert check(problem, plan) == []
    assert cost.duties_used == int(best["vehicles"])
    assert f"{round(cost.distance_km, 2):.2f}" == f"{float(best['distance']):.2f}"
    assert path.name == f"{name}.{cost.duties_used}_{cost.distance_km:.0f}.txt"
