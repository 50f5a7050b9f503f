"""Plans of benchmarks as files: written, read back as they stand, refused when malformed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from atmr_engine.checker import check, feasible_times
from atmr_engine.formats.cordeau import read_cordeau
from atmr_engine.formats.instance_text import InstanceError
from atmr_engine.formats.plan_json import plan_document, read_plan
from atmr_engine.plan import Plan, Unserved
from atmr_engine.rules import Rule

if TYPE_CHECKING:
    from pathlib import Path

    from atmr_engine.formats.benchmark import Instance

TEXT = """\
2 2 480 3 30
0 0 0 0 0 0 480
1 3 4 3 1 60 75
2 6 8 3 1 0 1440
3 9 12 3 -1 0 1440
4 0 5 3 -1 100 115
"""


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    path = tmp_path / "tiny.txt"
    path.write_text(TEXT)
    return read_cordeau(path)


def read(instance: Instance, tmp_path: Path, document: Any) -> Plan:
    path = tmp_path / "plan.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return read_plan(instance, path)


def rules(instance: Instance, plan: Plan) -> set[Rule]:
    return {violation.rule for violation in check(instance.problem, plan)}


def test_a_plan_survives_the_file(instance: Instance, tmp_path: Path) -> None:
    duty = instance.problem.duties[0]
    route = feasible_times(instance.problem, duty, [instance.visits[1], instance.visits[3]])
    assert route is not None
    plan = Plan(
        routes=(route,), unserved=(Unserved(request="2", rule=Rule.WINDOW, reason="too late"),)
    )
    document = plan_document(instance, plan)
    assert document == {
        "routes": [{"nodes": [1, 3], "times": [60.0, 73.0]}],
        "unserved_nodes": [2],
    }
    back = read(instance, tmp_path, document)
    assert back.routes == plan.routes
    assert check(instance.problem, back) == []


def test_nodes_alone_get_a_timetable_where_there_is_one(instance: Instance, tmp_path: Path) -> None:
    plan = read(instance, tmp_path, {"routes": [{"nodes": [1, 3]}, {"nodes": [2, 4]}]})
    assert check(instance.problem, plan) == []
    # An early pickup would be too long a ride: the timetable must not be the earliest one.
    assert plan.routes[1].stops[1].begin_s > 600.0


def test_an_impossible_sequence_is_refused_by_the_rule_that_it_breaks(
    instance: Instance, tmp_path: Path
) -> None:
    document = {"routes": [{"nodes": [2, 4, 1, 3]}]}
    assert rules(instance, read(instance, tmp_path, document)) & {Rule.WINDOW, Rule.RIDE_TIME}


def test_stated_times_are_judged_as_they_stand(instance: Instance, tmp_path: Path) -> None:
    def judged(times: list[float]) -> set[Rule]:
        document = {"routes": [{"nodes": [1, 3], "times": times}], "unserved_nodes": [2]}
        return rules(instance, read(instance, tmp_path, document))

    assert judged([60, 73]) == set()
    assert judged([60, 72]) == {Rule.TRAVEL}
    assert judged([60, 93]) == set()
    assert judged([60, 94]) == {Rule.RIDE_TIME}
    assert judged([76, 94]) == {Rule.WINDOW}
    assert judged([2, 15]) == {Rule.WINDOW, Rule.TRAVEL}
    assert judged([60, 480]) == {Rule.RIDE_TIME, Rule.SHIFT}


def test_a_request_left_out_unsaid_and_a_vehicle_too_many_are_refused(
    instance: Instance, tmp_path: Path
) -> None:
    silent = read(instance, tmp_path, {"routes": [{"nodes": [1, 3]}]})
    assert rules(instance, silent) == {Rule.COVERAGE}
    nodes = [{"nodes": [1, 3]}, {"nodes": []}, {"nodes": [2, 4]}]
    third = read(instance, tmp_path, {"routes": nodes})
    assert [violation.subject for violation in check(instance.problem, third)] == ["vehicle 3"]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "is no JSON object"),
        ({}, "routes is no list"),
        ({"routes": [7]}, "routes[0] is no object"),
        ({"routes": [{"times": []}]}, "routes[0].nodes is no list"),
        ({"routes": [{"nodes": [0, 1, 3]}]}, "routes[0].nodes[0] is 0"),
        ({"routes": [{"nodes": [1, 3.0]}]}, "routes[0].nodes[1] is 3.0"),
        ({"routes": [{"nodes": [True, 3]}]}, "routes[0].nodes[0] is True"),
        ({"routes": [{"nodes": [1, 3, 1, 3, 1]}]}, "more nodes than the instance"),
        ({"routes": [{"nodes": [1, 3], "times": [60]}]}, "1 times for 2 nodes"),
        ('{"routes": [{"nodes": [1, 3], "times": [60, NaN]}]}', "routes[0].times[1] is nan"),
        ({"routes": [{"nodes": [1, 3], "times": [60, "73"]}]}, "routes[0].times[1] is 73"),
        ('{"routes": [{"nodes": [1, ' + "9" * 5_000 + "]}]}", "is no JSON that can be read"),
        ('{"routes": [{"nodes": [1, 3], "times": [60, 1' + "0" * 400 + "]}]}", "times[1] is 1000"),
        ({"routes": [], "unserved_nodes": [9]}, "unserved_nodes[0] is 9"),
    ],
)
def test_a_malformed_plan_is_refused_with_its_place_and_remedy(
    instance: Instance, tmp_path: Path, document: Any, says: str
) -> None:
    with pytest.raises(InstanceError) as caught:
        read(instance, tmp_path, document)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 1_000
