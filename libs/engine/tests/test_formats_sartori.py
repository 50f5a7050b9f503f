"""Sartori and Buriol's files: read, refused with a line, and as many vehicles as it can take."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from atmr_engine.checker import check
from atmr_engine.formats.benchmark import Instance
from atmr_engine.formats.instance_text import InstanceError
from atmr_engine.formats.route_lines import has_route_lines, read_route_lines, route_lines
from atmr_engine.formats.sartori import read_sartori, vehicles_enough
from atmr_engine.objective import Weights, evaluate
from atmr_engine.plan import Plan, StopKind
from atmr_engine.problem import Capacity, Load, Request, TimeWindow, Travel, Visit
from atmr_engine.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Result = TypeVar("Result")

TEXT = """\
NAME: tiny-n5
LOCATION: Nowhere
COMMENT: made by hand: synthetic
TYPE: PDPTW
SIZE: 5
DISTRIBUTION: random
DEPOT: central
ROUTE-TIME: 240
TIME-WINDOW: 60
CAPACITY: 10
NODES
0 46.20 6.10 0 0 240 0 0 0
1 46.21 6.11 4 10 70 3 0 3
2 46.22 6.12 7 30 90 3 0 4
3 46.23 6.13 -4 20 120 3 1 0
4 46.24 6.14 -7 40 140 3 2 0
EDGES
0 5 9 12 14
6 0 4 8 10
9 5 0 6 7
13 8 6 0 3
15 11 7 2 0
EOF
"""


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "tiny.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def outcome(reading: Callable[[Path], Result], path: Path) -> Result | InstanceError:
    """What is read, or the format's own error; any other goes through."""
    try:
        return reading(path)
    except InstanceError as error:
        return error


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return read_sartori(written(tmp_path, TEXT))


def test_nodes_minutes_and_windows_are_read(instance: Instance) -> None:
    problem = instance.problem
    assert instance.name == "tiny-n5"
    assert [request.id for request in problem.requests] == ["1", "2"]
    first = problem.requests[0]
    assert first.pickup == Visit(place=1, window=TimeWindow(600, 4200), service_s=180)
    assert first.dropoff == Visit(place=3, window=TimeWindow(1200, 7200), service_s=180)
    assert first.load == Load(seats=4)
    assert instance.visits[4] == (StopKind.DROPOFF, "2")
    # Asymmetric, and minutes are both seconds and the cost.
    assert problem.travel.time_s[3, 0] == 13 * 60
    assert problem.travel.distance_km[0, 3] == 12
    assert problem.duties[0].capacity == Capacity(seats=10)
    assert problem.duties[0].shift == TimeWindow(0, 240 * 60)
    assert problem.weights == Weights.vehicles_first()


def test_the_route_time_and_the_depots_window_both_bound_the_shift(tmp_path: Path) -> None:
    shorter = read_sartori(written(tmp_path, TEXT.replace("ROUTE-TIME: 240", "ROUTE-TIME: 200")))
    assert shorter.problem.duties[0].shift == TimeWindow(0, 200 * 60)


def test_the_cost_of_a_plan_is_its_minutes(instance: Instance, tmp_path: Path) -> None:
    path = written(tmp_path, "Route 1 : 1 3 2 4\n")
    plan = read_route_lines(instance, path)
    assert check(instance.problem, plan) == []
    assert evaluate(instance.problem, plan).distance_km == 5 + 8 + 6 + 7 + 15
    # Both at once are 11 of 10.
    crowded = read_route_lines(instance, written(tmp_path, "Route 1 : 1 2 3 4\n"))
    assert {violation.rule for violation in check(instance.problem, crowded)} == {Rule.CAPACITY}


def test_one_vehicle_is_enough_where_requests_can_wait(instance: Instance, tmp_path: Path) -> None:
    assert len(instance.problem.duties) == 1
    # Now both pickups must begin at once.
    hurried = TEXT.replace("30 90 3 0 4", "10 12 3 0 4").replace("10 70 3 0 3", "10 12 3 0 3")
    assert len(read_sartori(written(tmp_path, hurried)).problem.duties) == 2


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_the_vehicles_serve_all_that_a_vehicle_of_its_own_can_serve(data: st.DataObject) -> None:
    places = data.draw(st.integers(3, 7))
    row = st.lists(st.integers(0, 60), min_size=places, max_size=places)
    rows = data.draw(st.lists(row, min_size=places, max_size=places))
    time_s = 60.0 * np.array(rows, dtype=np.float64)
    travel = Travel(time_s=time_s, distance_km=time_s / 60.0)
    shift = TimeWindow(0.0, 60.0 * data.draw(st.integers(60, 400)))

    def visit() -> Visit:
        opens = data.draw(st.integers(0, 200))
        window = TimeWindow(60.0 * opens, 60.0 * (opens + data.draw(st.integers(0, 100))))
        place, minutes = data.draw(st.integers(1, places - 1)), data.draw(st.integers(0, 90))
        return Visit(place=place, window=window, service_s=60.0 * minutes)

    requests = [
        Request(id=str(number), pickup=visit(), dropoff=visit())
        for number in range(data.draw(st.integers(0, 8)))
    ]
    enough = vehicles_enough(requests, shift, travel)
    assert 1 <= enough <= max(1, len(requests))
    assert _can_be_assigned(requests, enough, shift, travel)


def _can_be_assigned(
    requests: list[Request], vehicles: int, shift: TimeWindow, travel: Travel
) -> bool:
    """Whether some assignment to that many vehicles, in order of pickup closing, works out.

    Depth first over all assignments: slow, and written without a look at the greedy one.
    """
    ordered = sorted(requests, key=lambda each: each.pickup.window.close_s)
    servable = [each for each in ordered if _served(travel, shift, [each])]
    hopeless = len(ordered) - len(servable)
    routes: list[list[Request]] = [[] for _ in range(vehicles - hopeless)]

    def place(position: int) -> bool:
        if position == len(servable):
            return True
        for route in routes:
            route.append(servable[position])
            if _served(travel, shift, route) and place(position + 1):
                return True
            route.pop()
        return False

    return place(0)


def _served(travel: Travel, shift: TimeWindow, route: list[Request]) -> bool:
    visits = [visit for request in route for visit in (request.pickup, request.dropoff)]
    time_s = shift.open_s
    depot = Visit(place=0)
    for before, visit in pairwise([depot, *visits]):
        time_s += before.service_s + float(travel.time_s[before.place, visit.place])
        time_s = max(time_s, visit.window.open_s)
        if time_s > visit.window.close_s:
            return False
    last = visits[-1]
    return time_s + last.service_s + float(travel.time_s[last.place, 0]) <= shift.close_s


def test_service_keeps_a_vehicle() -> None:
    still = np.zeros((2, 2))
    travel = Travel(time_s=still, distance_km=still)
    now = Visit(place=1, window=TimeWindow(0, 60), service_s=61)
    requests = [Request(id=name, pickup=now, dropoff=Visit(place=1)) for name in "ab"]
    assert vehicles_enough(requests, TimeWindow(0, 600), travel) == 2


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("SIZE: 5\n", "", None, "has no SIZE"),
        ("CAPACITY: 10", "CAPACITY: ten", 10, "'ten' is no number"),
        ("CAPACITY: 10", "CAPACITY: 10 20", 10, "2 numbers instead of 1"),
        ("CAPACITY: 10", "CAPACITY: 10.5", 10, "CAPACITY is 10.5"),
        ("SIZE: 5", "SIZE: 6", 16, "NODES has 5 lines"),
        ("TYPE: PDPTW", "TYPE: CVRP", 4, "TYPE is 'CVRP'"),
        ("DEPOT: central", "DEPOT central", 7, "is no field"),
        ("DEPOT: central", "SIZE: 5", 7, "SIZE is on line 5 too"),
        ("ROUTE-TIME: 240", "ROUTE-TIME: -1", 8, "ROUTE-TIME is -1"),
        ("10 70 3 0 3", "70 10 3 0 3", 13, "closes before it opens"),
        ("10 70 3 0 3", "10 70 3 0 4", 13, "names node 4, which does not name node 1"),
        ("-4 20", "-5 20", 15, "its pickup takes 4 on"),
        ("10 70 3 0 3", "10 70 3 3", 13, "8 numbers instead of 9"),
        ("13 8 6 0 3", "13 8 6 0", 21, "4 numbers instead of 5"),
        ("13 8 6 0 3", "13 8 6 0 2.5", 21, "the time to node 4 is 2.5"),
        ("13 8 6 0 3", "13 8 -6 0 3", 21, "the time to node 2 is -6"),
        ("15 11 7 2 0\n", "", 21, "EDGES has 4 lines"),
        ("EOF\n", "EOF\n1 2\n", 24, "stands behind the end"),
        (TEXT, "", None, "has no SIZE"),
    ],
)
def test_a_malformed_file_is_refused_with_line_and_remedy(
    tmp_path: Path, old: str, new: str, line: int | None, says: str
) -> None:
    assert old in TEXT
    with pytest.raises(InstanceError) as caught:
        read_sartori(written(tmp_path, TEXT.replace(old, new)))
    assert says in str(caught.value)
    assert caught.value.line == line
    assert caught.value.remedy


def test_a_file_may_end_without_saying_so(tmp_path: Path) -> None:
    assert read_sartori(written(tmp_path, TEXT.replace("EOF\n", ""))).problem.requests
    assert read_sartori(written(tmp_path, TEXT.replace("EOF", "EO"))).problem.requests


@given(st.integers(0, len(TEXT)), st.integers(0, 12), st.binary(max_size=12))
@example(0, len(TEXT), b"")
@example(0, 0, b"\xff\xfe")
@settings(max_examples=150, deadline=None)
def test_whatever_the_bytes_are_only_the_formats_error_is_raised(
    tmp_path_factory: pytest.TempPathFactory, start: int, removed: int, put: bytes
) -> None:
    raw = TEXT.encode()
    path = tmp_path_factory.mktemp("fuzz") / "tiny.txt"
    path.write_bytes(raw[:start] + put + raw[start + removed :])
    result = outcome(read_sartori, path)
    assert isinstance(result, Instance) or 0 < len(str(result)) < 1_000


def test_routes_survive_their_lines(instance: Instance, tmp_path: Path) -> None:
    plan = read_route_lines(instance, written(tmp_path, "route #1: 1 3\n\nRoute 2 : 2 4\n"))
    text = route_lines(instance, plan, authors="A. Nobody", date="2026-11-21")
    heading = text.splitlines()[:5]
    assert heading[0] == "Instance name : tiny-n5"
    assert heading[1:] == ["Authors : A. Nobody", "Date : 2026-11-21", "Reference : ", "Solution"]
    assert text.splitlines()[5:] == ["Route 1 : 1 3", "Route 2 : 2 4"]
    path = written(tmp_path, text)
    assert has_route_lines(path)
    assert read_route_lines(instance, path) == plan
    # One vehicle was enough: the second route has none, and that is a violation, no crash.
    assert [violation.subject for violation in check(instance.problem, plan)] == ["vehicle 2"]


def test_a_request_that_no_route_names_is_refused(instance: Instance, tmp_path: Path) -> None:
    plan = read_route_lines(instance, written(tmp_path, "Route 1 : 1 3\n"))
    violations = check(instance.problem, plan)
    assert [(violation.rule, violation.subject) for violation in violations] == [
        (Rule.COVERAGE, "2")
    ]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("Route 1 : 1 0 3", 1, "'0' is no pickup or drop-off"),
        ("heading\nRoute 1 : 1 3x", 2, "'3x' is no pickup"),
        ("Route 1 : 1 3\nnonsense", 2, "'nonsense' is no route"),
        ("Route 1 : " + "9" * 5_000, 1, "is no pickup"),
    ],
)
def test_wrong_route_lines_are_refused(
    instance: Instance, tmp_path: Path, text: str, line: int, says: str
) -> None:
    with pytest.raises(InstanceError) as caught:
        read_route_lines(instance, written(tmp_path, text))
    assert says in str(caught.value)
    assert caught.value.line == line


def test_json_holds_no_route_lines(tmp_path: Path) -> None:
    assert not has_route_lines(written(tmp_path, '{"routes": []}'))
    assert not has_route_lines(written(tmp_path, "nothing"))


@given(st.text(alphabet="Route 123:x\n#\u0663", max_size=60))
@settings(max_examples=150, deadline=None)
def test_route_lines_raise_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    instance = read_sartori(written(folder, TEXT))
    result = outcome(lambda path: read_route_lines(instance, path), written(folder, text))
    assert isinstance(result, Plan) or result.remedy
