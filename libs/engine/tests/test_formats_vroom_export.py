"""Problems as VROOM's input: nothing is lost unsaid, and what VROOM answers is judged here."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atmr_engine import Budget, solve
from atmr_engine.checker import check
from atmr_engine.formats.vroom_export import export_vroom
from atmr_engine.formats.vroom_fields import VroomError
from atmr_engine.formats.vroom_input import vroom_case
from atmr_engine.formats.vroom_plan import vroom_plan
from atmr_engine.formats.vroom_solution import solution_document
from atmr_engine.objective import Weights, evaluate
from atmr_engine.plan import Plan
from atmr_engine.problem import (
    Break,
    Capacity,
    Committed,
    DriverKind,
    Duty,
    Link,
    Load,
    Problem,
    Request,
    TimeWindow,
    Travel,
    Visit,
)
from atmr_engine.rules import Rule, Waiver
from atmr_engine.simulate.rich_problems import RichDay, rich_problem

TRAVEL = Travel(
    time_s=np.array([[0, 600.5, 900], [601, 0, 300], [899, 310, 0]], dtype=np.float64),
    distance_km=np.array([[0, 6, 9], [6, 0, 3], [9, 3, 0]], dtype=np.float64),
)


def small(**changes: Any) -> Problem:
    request = Request(
        id="B1",
        pickup=Visit(place=1, window=TimeWindow(-600, 1_200), service_s=60),
        dropoff=Visit(place=2, window=TimeWindow(0, math.inf), service_s=30),
        load=Load(seats=1, wheelchairs=1),
        cleaning_s=90,
        max_ride_s=899.5,
        equipment=frozenset({"oxygen"}),
        skills=frozenset({"stairs"}),
        crew=2,
        locked_duty="D2",
    )
    duty = Duty(
        id="D1",
        capacity=Capacity(seats=4, wheelchairs=1, fold_seats_per_wheelchair=2),
        shift=TimeWindow(-1_200, 9_000),
        start_place=0,
        end_place=0,
    )
    rich = replace(
        duty,
        id="D2",
        crew=2,
        equipment=frozenset({"oxygen"}),
        skills=frozenset({"stairs", "other"}),
        breaks=(Break(duration_s=900, window=TimeWindow(2_000, math.inf)),),
        max_duration_s=8_000,
        driver_kind=DriverKind.EMERGENCY,
        start_place=None,
    )
    parts = {"requests": (request,), "duties": (duty, rich), "travel": TRAVEL, **changes}
    return Problem(**parts)


def test_a_problem_is_stated_in_vroom_s_words() -> None:
    document, case = export_vroom(small())
    [shipment] = document["shipments"]
    assert shipment["amount"] == [3, 1]  # a seat and two folded ones, and the wheelchair's place
    assert document["dimensions"] == ["seats", "wheelchairs"]
    # Times count from the earliest one, 1,200 s before the problem's second 0.
    assert case.offset_s == 1_200
    assert shipment["pickup"] == {
        "id": 1,
        "description": "B1",
        "location_index": 1,
        "service": 60,
        "time_windows": [[600, 2_400]],
    }
    assert shipment["delivery"]["service"] == 120
    assert shipment["delivery"]["time_windows"] == [[1_200, 10_200]]
    assert shipment["max_ride_time"] == 899
    names = {document["skill_names"][str(number)] for number in shipment["skills"]}
    assert names == {"skill stairs", "equipment oxygen", "crew of 2", "duty D2"}
    plain, rich = document["vehicles"]
    assert (plain["skills"], rich["skills"]) == ([], shipment["skills"])
    assert (plain["time_window"], rich["max_duration"]) == ([0, 10_200], 8_000)
    assert rich["breaks"] == [
        {"id": 1, "service": 900, "max_load": [0, 0], "time_windows": [[3_200, 9_300]]}
    ]
    assert "start_index" not in rich
    assert rich["end_index"] == 0
    assert plain["costs"]["fixed"] == 0
    assert rich["costs"]["fixed"] == 120_000
    matrices = document["matrices"]["car"]
    assert matrices["durations"][0] == [0, 601, 900]
    assert matrices["distances"][0] == [0, 6_000, 9_000]
    assert matrices["costs"][1][2] == 1_000 * (3 * 1.0 + 300 / 60 * 0.5)


def test_seats_that_are_folded_away_are_taken() -> None:
    lying = replace(small().requests[0], load=Load(stretchers=1))
    capacity = Capacity(seats=4, stretchers=1, fold_seats_per_stretcher=3)
    duties = tuple(replace(duty, capacity=capacity) for duty in small().duties)
    document, case = export_vroom(small(requests=(lying,), duties=duties))
    assert document["dimensions"] == ["seats", "stretchers"]
    assert document["shipments"][0]["amount"] == [3, 1]
    assert "numbers of seats" not in "".join(case.warnings)


def test_fractions_of_a_second_are_lost_inwards() -> None:
    visit = Visit(place=1, window=TimeWindow(100.4, 200.6), service_s=60.2)
    request = replace(small().requests[0], pickup=visit)
    document, case = export_vroom(small(requests=(request,)))
    pickup = document["shipments"][0]["pickup"]
    assert pickup["time_windows"] == [[1_301, 1_400]]
    assert pickup["service"] == 61
    assert "rounded to whole seconds" in case.warnings[-1]


def test_what_vroom_cannot_state_is_said() -> None:
    first = small().requests[0]
    second = replace(
        first,
        id="B2",
        ride_alone=True,
        share_group="flu",
        link=Link(after="B1"),
        priority=500,
        max_ride_s=math.inf,
    )
    duty, rich = small().duties
    fixed = replace(duty, committed=(Committed(kind="pickup", request="B2"),))
    problem = small(
        requests=(first, replace(second, locked_duty=None)),
        duties=(fixed, replace(rich, capacity=Capacity(seats=1))),
        waivers=(
            Waiver(rule=Rule.WINDOW, subject="B1", excess_s=60, reason="late", granted_by="us"),
        ),
    )
    said = "\n".join(export_vroom(problem)[1].warnings)
    for part in (
        "maximum ride time (kept as max_ride_time): B1\n",
        "riding alone: B2",
        "share groups: B2",
        "links to an earlier leg: B2",
        "a priority above 100: B2",
        "maximum duration (kept as max_duration): D2",
        "a committed beginning (committed): D1",
        "breaks at a stop: VROOM may take one on the way: D2",
        "different numbers of seats",
        "1 waivers",
        "detour_min, waiting_min",
        "rounded to whole seconds",
    ):
        assert part in said
    distance = Weights.distance_only()
    plain = small(weights=distance, requests=(replace(first, max_ride_s=math.inf),))
    said = "\n".join(export_vroom(plain)[1].warnings)
    assert "objective" not in said
    assert "ride time" not in said


def test_duties_without_ends_get_a_place_at_no_distance() -> None:
    duty = replace(small().duties[1], end_place=None)
    problem = small(duties=(duty,))
    document, case = export_vroom(problem)
    assert document["vehicles"][0]["start_index"] == 3
    assert [row[3] for row in document["matrices"]["car"]["durations"]] == [0, 0, 0, 0]
    plan = solve(problem, Budget(iterations=20), 0)
    written = solution_document(case, plan)
    assert written["routes"][0]["steps"][0]["location_index"] == 3
    assert vroom_plan(case, written).routes == plan.routes


def test_places_out_of_reach_are_longer_than_any_shift() -> None:
    time_s = TRAVEL.time_s.copy()
    time_s[0, 1] = np.inf
    document, _ = export_vroom(small(travel=replace(TRAVEL, time_s=time_s)))
    assert document["matrices"]["car"]["durations"][0][1] == 10_201


def test_numbers_beyond_vroom_s_are_refused() -> None:
    far = replace(TRAVEL, time_s=TRAVEL.time_s * 1e9)
    with pytest.raises(VroomError, match=r"matrices\.car\.durations has too large a number"):
        export_vroom(small(travel=far))


def test_costs_stay_within_vroom_s_numbers() -> None:
    dear = Weights(distance_km=1e7, unserved=1e12)
    document, _ = export_vroom(small(weights=dear))
    assert max(map(max, document["matrices"]["car"]["costs"])) <= 1e9


def test_a_committed_beginning_survives() -> None:
    first = replace(small().requests[0], max_ride_s=math.inf)
    duty = replace(
        small().duties[1],
        committed=(Committed(kind="pickup", request="B1", begin_s=1_000), Committed(kind="break")),
    )
    later = replace(duty, committed=duty.committed[:1])
    document, _ = export_vroom(small(requests=(first,), duties=(small().duties[0], later)))
    again = vroom_case(json.loads(json.dumps(document)))
    assert again.problem.duties[1].committed == (
        Committed(kind="pickup", request="shipment 1", begin_s=2_200),
    )
    document, _ = export_vroom(small(requests=(first,), duties=(small().duties[0], duty)))
    assert document["vehicles"][1]["committed"] == [
        {"type": "pickup", "id": 1, "service_at": 2_200},
        {"type": "break", "id": 1},
    ]


LOST = {"share groups": Rule.SHARING, "riding alone": Rule.SHARING, "links": Rule.LINK}


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=25, deadline=None)
def test_what_is_read_back_loses_only_the_rules_that_the_warnings_name(
    seed: int,
    triangle: bool,  # noqa: FBT001 (drawn by Hypothesis)
) -> None:
    day = RichDay(requests=8, duties=3, triangle=triangle)
    problem = rich_problem(day, seed, Weights())
    document, case = export_vroom(problem, "day")
    again = vroom_case(json.loads(json.dumps(document)))
    plan = solve(again.problem, Budget(iterations=30), 0)
    back = vroom_plan(case, json.loads(json.dumps(solution_document(again, plan))))
    said = "\n".join(case.warnings)
    lost = {rule for words, rule in LOST.items() if words in said}
    assert {violation.rule for violation in check(problem, back)} <= lost


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_a_plan_survives_vroom_s_words(seed: int) -> None:
    problem = rich_problem(RichDay(requests=8, duties=3), seed, Weights())
    _, case = export_vroom(problem)
    plan = solve(problem, Budget(iterations=30), 0)
    document = json.loads(json.dumps(solution_document(case, plan)))
    back = vroom_plan(case, document)
    assert check(problem, back) == []
    assert evaluate(problem, back).total == pytest.approx(evaluate(problem, plan).total)
    assert {left.request for left in back.unserved} == {left.request for left in plan.unserved}


def test_nobody_and_nothing_can_be_exported() -> None:
    document, case = export_vroom(small(requests=()))
    assert document["shipments"] == []
    assert vroom_plan(case, solution_document(case, Plan(routes=()))).routes == ()


ADDED_UP = (
    "cost",
    "routes",
    "unassigned",
    "setup",
    "service",
    "duration",
    "waiting_time",
    "priority",
    "delivery",
    "pickup",
)


@pytest.mark.parametrize("seed", range(6))
def test_vroom_itself_reads_what_we_write_and_we_read_its_answer(seed: int, tmp_path: Any) -> None:
    vroom = pytest.importorskip("vroom", reason="pyvroom is absent: VROOM itself is not asked")
    problem = rich_problem(RichDay(requests=10, duties=4), seed, Weights())
    document, case = export_vroom(problem)
    path = tmp_path / "input.json"
    path.write_text(json.dumps(document))
    solution = vroom.Input.from_json(str(path)).solve(exploration_level=5, nb_threads=1)
    answer = solution.to_dict()
    plan = vroom_plan(case, answer)
    ours = solution_document(case, plan)["summary"]
    assert {key: ours[key] for key in ADDED_UP} == {key: answer["summary"][key] for key in ADDED_UP}
    lost = {Rule.SHARING, Rule.LINK, Rule.RIDE_TIME, Rule.DURATION}
    if any(duty.breaks for duty in problem.duties):
        lost |= {Rule.TRAVEL}  # a break on the way
    assert {violation.rule for violation in check(problem, plan)} <= lost
    assert len(plan.routes) > 0
