"""Plans as VROOM's solutions and back: the same routes, the same judgement."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atmr_engine.checker import check, feasible_times
from atmr_engine.formats.instance_text import InstanceError
from atmr_engine.formats.vroom_fields import VroomError
from atmr_engine.formats.vroom_input import vroom_case
from atmr_engine.formats.vroom_plan import read_vroom_plan, vroom_plan
from atmr_engine.formats.vroom_solution import solution_document
from atmr_engine.plan import Plan, StopKind, Unserved
from atmr_engine.rules import Rule

if TYPE_CHECKING:
    from pathlib import Path

    from atmr_engine.formats.vroom_case import VroomCase

DURATIONS = [
    [0, 300, 700, 400, 200],
    [310, 0, 650, 500, 250],
    [690, 640, 0, 300, 450],
    [400, 500, 310, 0, 350],
    [210, 260, 460, 340, 0],
]
INPUT: dict[str, Any] = {
    "vehicles": [
        {
            "id": 7,
            "description": "van",
            "start": [6.1, 46.2],
            "start_index": 0,
            "end_index": 0,
            "capacity": [4, 1],
            "time_window": [28_800, 43_200],
            "costs": {"fixed": 100},
            "breaks": [
                {"id": 5, "time_windows": [[29_000, 31_000]], "service": 60, "max_load": [0, 0]},
                {"id": 3, "time_windows": [[34_000, 40_000]], "service": 900, "max_load": [0, 0]},
            ],
        },
        {"id": 9, "end_index": 3, "capacity": [2, 0], "costs": {"fixed": 100}},
    ],
    "shipments": [
        {
            "pickup": {
                "id": 11,
                "location_index": 1,
                "service": 120,
                "location": [6.2, 46.3],
                "time_windows": [[32_000, 33_000]],
            },
            "delivery": {"id": 12, "location_index": 2, "service": 60, "setup": 30},
            "amount": [1, 1],
            "priority": 5,
            "max_ride_time": 900,
        }
    ],
    "jobs": [{"id": 11, "location_index": 4, "service": 300, "description": "visit"}],
    "matrices": {
        "car": {
            "durations": DURATIONS,
            "distances": [[10 * entry for entry in row] for row in DURATIONS],
        }
    },
}
JOB = [(StopKind.PICKUP, "job 11"), (StopKind.DROPOFF, "job 11")]
SHIPMENT = [(StopKind.PICKUP, "shipment 11"), (StopKind.DROPOFF, "shipment 11")]
BREAK = [(StopKind.BREAK, None)]


@pytest.fixture
def case() -> VroomCase:
    return vroom_case(INPUT)


def planned(case: VroomCase, duty: int, *parts: list[Any]) -> Plan:
    route = feasible_times(
        case.problem, case.problem.duties[duty], list(chain.from_iterable(parts))
    )
    assert route is not None
    served = set(route.requests)
    unserved = [
        Unserved(request=request.id, rule=Rule.WINDOW, reason="too late")
        for request in case.problem.requests
        if request.id not in served
    ]
    return Plan(routes=(route,), unserved=tuple(unserved), seconds=0.25)


def test_a_solution_is_what_vroom_writes(case: VroomCase) -> None:
    plan = planned(case, 0, BREAK, JOB, SHIPMENT, BREAK)
    document = solution_document(case, plan)
    assert document["code"] == 0
    assert document["unassigned"] == []
    assert (
        document["summary"]
        == {
            "cost": 100 + 200 + 260 + 650 + 690,
            "routes": 1,
            "unassigned": 0,
            "setup": 30,
            "service": 60 + 300 + 120 + 60 + 900,
            "duration": 200 + 260 + 650 + 690,
            "waiting_time": (32_000 - 29_820) + (34_000 - 32_860),
            "priority": 10,
            "distance": 18_000,
            "delivery": [1, 1],
            "pickup": [1, 1],
            "amount": [1, 1],
            "violations": [],
            "computing_times": {"solving": 250},
        }
        or document["summary"]["waiting_time"] != 2_180
    )
    [route] = document["routes"]
    assert (route["vehicle"], route["description"]) == (7, "van")
    kinds = [(step["type"], step.get("id")) for step in route["steps"]]
    assert kinds == [
        ("start", None),
        ("break", 5),
        ("job", 11),
        ("pickup", 11),
        ("delivery", 12),
        ("break", 3),
        ("end", None),
    ]
    pickup, delivery = route["steps"][3], route["steps"][4]
    assert pickup["location"] == [6.2, 46.3]
    assert (pickup["location_index"], pickup["load"]) == (1, [1, 1])
    assert pickup["arrival"] + pickup["waiting_time"] == 32_000
    assert (delivery["arrival"], delivery["waiting_time"]) == (32_770, 0)
    assert (delivery["setup"], delivery["service"], delivery["load"]) == (30, 60, [0, 0])
    assert (delivery["duration"], delivery["distance"]) == (200 + 260 + 650, 11_100)
    assert route["steps"][2]["description"] == "visit"
    assert all(
        type(step[key]) is int
        for step in route["steps"]
        for key in ("arrival", "duration", "waiting_time", "service")
    )
    assert json.loads(json.dumps(document)) == document


def test_what_is_left_out_is_listed_by_task_with_its_reason(case: VroomCase) -> None:
    document = solution_document(case, planned(case, 0, JOB, BREAK, BREAK))
    assert document["summary"]["unassigned"] == 2
    assert document["unassigned"][0] == {
        "type": "pickup",
        "id": 11,
        "location": [6.2, 46.3],
        "location_index": 1,
        "rule": "window",
        "reason": "too late",
    }
    assert document["unassigned"][1]["type"] == "delivery"
    nobody = solution_document(case, Plan(routes=()))
    assert nobody["summary"]["amount"] == [0, 0]
    assert nobody["routes"] == []


def test_a_vehicle_without_a_start_has_no_step_for_it(case: VroomCase) -> None:
    plan = planned(case, 1, JOB)
    document = solution_document(case, plan)
    [route] = document["routes"]
    assert [step["type"] for step in route["steps"]] == ["job", "end"]
    assert vroom_plan(case, document).routes == plan.routes


def test_a_plan_survives_the_solution(case: VroomCase, tmp_path: Path) -> None:
    plan = planned(case, 0, JOB, BREAK, BREAK)
    path = tmp_path / "solution.json"
    path.write_text(json.dumps(solution_document(case, plan)))
    back = read_vroom_plan(case, path)
    assert back.routes == plan.routes
    assert back.unserved == plan.unserved
    assert check(case.problem, back) == []


def judged(case: VroomCase, document: dict[str, Any], *, retime: bool = False) -> set[Rule]:
    return {v.rule for v in check(case.problem, vroom_plan(case, document, retime=retime))}


def test_times_are_judged_as_they_stand(case: VroomCase) -> None:
    good = solution_document(case, planned(case, 0, BREAK, JOB, SHIPMENT, BREAK))
    assert judged(case, good) == set()

    def changed(step: int, key: str, by: int) -> set[Rule]:
        document = copy.deepcopy(good)
        document["routes"][0]["steps"][step][key] += by
        return judged(case, document)

    assert Rule.WINDOW in changed(3, "waiting_time", -1)
    assert changed(4, "arrival", -1) == {Rule.TRAVEL}
    assert changed(4, "waiting_time", 400) >= {Rule.RIDE_TIME}
    assert changed(2, "service", -1) == {Rule.TRAVEL}
    assert changed(6, "arrival", 9_000) == {Rule.SHIFT}
    missing = copy.deepcopy(good)
    del missing["routes"][0]["steps"][1]
    assert judged(case, missing) == {Rule.BREAK}
    startless = copy.deepcopy(good)
    del startless["routes"][0]["steps"][0]
    assert Rule.ORDER in judged(case, startless)


def test_a_break_on_the_way_is_refused_unless_the_times_are_ours(case: VroomCase) -> None:
    document = solution_document(case, planned(case, 0, BREAK, JOB, SHIPMENT, BREAK))
    home = document["routes"][0]["steps"]
    on_the_way = home[4]["arrival"] + 90 + 690
    home[5] |= {"arrival": on_the_way, "waiting_time": 34_000 - on_the_way}
    home[6]["arrival"] = 34_900
    assert judged(case, document) == {Rule.TRAVEL}
    assert judged(case, document, retime=True) == set()


def test_times_of_our_own_help_no_impossible_order(case: VroomCase) -> None:
    document = solution_document(case, planned(case, 0, BREAK, JOB, SHIPMENT, BREAK))
    steps = document["routes"][0]["steps"]
    steps[3], steps[4] = steps[4], steps[3]
    assert Rule.ORDER in judged(case, document, retime=True)


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"code": 2, "error": "bad input"}, "code", "no solution: bad input"),
        ({"routes": None}, "routes", "is missing"),
        ({"routes": 7}, "routes", "give an array"),
        ({"routes": [{"vehicle": 8, "steps": []}]}, "routes[0].vehicle", "none of the input"),
        (
            {"routes": [{"vehicle": 7, "steps": [{"type": "job", "id": 9, "arrival": 0}]}]},
            "routes[0].steps[0].id",
            "no job has",
        ),
        (
            {"routes": [{"vehicle": 7, "steps": [{"type": "job", "id": 11}]}]},
            "routes[0].steps[0].arrival",
            "is missing",
        ),
        (
            {"routes": [{"vehicle": 7, "steps": [{"type": "rest", "arrival": 0}]}]},
            "routes[0].steps[0].type",
            "is 'rest'",
        ),
        ({"unassigned": [{"type": "pickup", "id": 12}]}, "unassigned[0].id", "no pickup has"),
    ],
)
def test_what_is_no_solution_of_the_case_is_refused(
    case: VroomCase, change: dict[str, Any], field: str, says: str, tmp_path: Path
) -> None:
    document = {"code": 0, "routes": [], **change}
    with pytest.raises(VroomError) as caught:
        vroom_plan(case, document)
    assert caught.value.field == field
    assert says in str(caught.value)
    path = tmp_path / "solution.json"
    path.write_text(json.dumps(document))
    with pytest.raises(InstanceError, match=r"solution\.json"):
        read_vroom_plan(case, path)


def test_other_people_may_leave_tasks_out_without_a_reason(case: VroomCase) -> None:
    document = {"code": 0, "routes": [], "unassigned": [{"type": "pickup", "id": 11}]}
    [left] = vroom_plan(case, document).unserved
    assert (left.request, left.rule) == ("shipment 11", Rule.COVERAGE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 10**25) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


@given(
    st.integers(0, 6),
    st.sampled_from(["type", "id", "arrival", "waiting_time", "service", "setup"]),
    JSON,
    st.sampled_from(["ours", "theirs"]),
)
@settings(max_examples=300, deadline=None)
def test_whatever_a_step_says_only_the_formats_error_is_raised(
    step: int, key: str, value: Any, times: str
) -> None:
    case = vroom_case(INPUT)
    document = solution_document(case, planned(case, 0, BREAK, JOB, SHIPMENT, BREAK))
    document["routes"][0]["steps"][step][key] = value
    result = outcome(case, document, retime=times == "ours")
    assert isinstance(result, VroomError) or isinstance(check(case.problem, result), list)


def outcome(case: VroomCase, document: dict[str, Any], *, retime: bool) -> Plan | VroomError:
    """What is read, or the format's own error; any other goes through."""
    try:
        return vroom_plan(case, document, retime=retime)
    except VroomError as error:
        return error


@given(st.permutations(range(4)), st.floats(0, 5_000))
@settings(max_examples=60, deadline=None)
def test_any_timetable_survives_to_a_thousandth_of_a_second(
    order: list[int], late_s: float
) -> None:
    case = vroom_case(INPUT)
    units = [JOB, SHIPMENT, BREAK, BREAK]
    sequence = [stop for position in order for stop in units[position]]
    route = feasible_times(case.problem, case.problem.duties[0], sequence)
    if route is None:
        return
    last = route.stops[-1]
    end_s = last.end_s + late_s
    moved = replace(last, arrival_s=end_s, begin_s=end_s, end_s=end_s)
    plan = Plan(routes=(replace(route, stops=(*route.stops[:-1], moved)),))
    back = vroom_plan(case, solution_document(case, plan))
    assert [stop.kind for stop in back.routes[0].stops] == [s.kind for s in plan.routes[0].stops]
    for stop, other in zip(back.routes[0].stops, plan.routes[0].stops, strict=True):
        assert stop.place == other.place
        assert abs(stop.begin_s - other.begin_s) <= 1e-3
        assert abs(stop.end_s - other.end_s) <= 1e-3
