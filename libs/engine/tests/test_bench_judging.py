"""Bare routes get a timetable and a verdict; what breaks a rule has no figure."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.bench_runs import APART, TINY, write_tiny

from atmr_engine.bench.judging import judge, node_routes
from atmr_engine.checker import feasible_times
from atmr_engine.formats.benchmark import Instance
from atmr_engine.formats.cordeau import read_cordeau
from atmr_engine.plan import Plan
from atmr_engine.rules import Rule


@pytest.fixture
def tiny(tmp_path: Path) -> Instance:
    return read_cordeau(write_tiny(tmp_path))


def test_a_plan_that_keeps_the_rules_has_distance_and_vehicles(tiny: Instance) -> None:
    judgement = judge(tiny, [[1, 3], [2, 4]])
    assert judgement.violations == ()
    assert judgement.distance == pytest.approx(APART, abs=1e-4)
    assert (judgement.vehicles, judgement.unserved) == (2, 0)


def test_empty_routes_are_no_vehicles(tiny: Instance) -> None:
    assert judge(tiny, [[], [1, 3], []]).vehicles == 1


def test_requests_without_a_node_are_left_out(tiny: Instance) -> None:
    judgement = judge(tiny, [[2, 4]])
    assert (judgement.unserved, judgement.violations) == (1, ())
    assert judge(tiny, []).unserved == 2


@pytest.mark.parametrize(
    ("routes", "rule"),
    [
        ([[3, 1], [2, 4]], Rule.ORDER),
        ([[1], [3], [2, 4]], Rule.ORDER),
        ([[1, 3, 1, 3], [2, 4]], Rule.COVERAGE),
        ([[1, 2, 4, 3]], Rule.RIDE_TIME),
        ([[1, 3], [2, 4], [2, 4]], Rule.COVERAGE),
        ([[1, 99, 3], [2, 4]], Rule.COVERAGE),
    ],
)
def test_a_plan_that_breaks_a_rule_has_neither(
    tiny: Instance, routes: list[list[int]], rule: Rule
) -> None:
    judgement = judge(tiny, routes)
    assert rule in {violation.rule for violation in judgement.violations}
    assert (judgement.distance, judgement.vehicles) == (None, None)


def test_more_vehicles_than_there_are_is_a_breach(tmp_path: Path) -> None:
    one = TINY.replace("2 2 480", "1 2 480")
    instance = read_cordeau(write_tiny(tmp_path, text=one))
    judgement = judge(instance, [[1, 3], [2, 4]])
    assert [violation.subject for violation in judgement.violations] == ["vehicle 2 of 1"]
    assert judgement.distance is None


def test_a_plan_goes_to_nodes_and_back(tiny: Instance) -> None:
    problem = tiny.problem
    sequence = [tiny.visits[node] for node in (1, 3)]
    route = feasible_times(problem, problem.duties[0], [*sequence])
    assert route is not None
    assert node_routes(tiny, Plan(routes=(route,))) == [[1, 3]]
