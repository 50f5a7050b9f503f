"""VROOM's JSON as a problem: what is read, what is ours, and what is refused by its name."""

from __future__ import annotations

import copy
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from atmr_engine.checker import check
from atmr_engine.formats.instance_text import InstanceError
from atmr_engine.formats.vroom_case import VroomCase
from atmr_engine.formats.vroom_fields import VroomError
from atmr_engine.formats.vroom_input import read_vroom, vroom_case
from atmr_engine.objective import evaluate
from atmr_engine.plan import Plan, Route, StopKind
from atmr_engine.problem import Break, Capacity, Committed, DriverKind, Load, TimeWindow, Visit
from atmr_engine.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DURATIONS = [
    [0, 300, 700, 400, 200],
    [310, 0, 650, 500, 250],
    [690, 640, 0, 300, 450],
    [400, 500, 310, 0, 350],
    [210, 260, 460, 340, 0],
]


def document() -> dict[str, Any]:
    """Two vehicles, a shipment and a job: the smallest with all that is commonly used."""
    return {
        "vehicles": [
            {
                "id": 7,
                "description": "van",
                "start": [6.1, 46.2],
                "start_index": 0,
                "end_index": 0,
                "capacity": [4, 1],
                "skills": [1, 14],
                "time_window": [28_800, 43_200],
                "breaks": [
                    {
                        "id": 3,
                        "time_windows": [[34_000, 40_000]],
                        "service": 900,
                        "max_load": [0, 0],
                    }
                ],
            },
            {"id": 9, "end_index": 3, "capacity": [2, 0], "time_window": [28_800, 50_000]},
        ],
        "shipments": [
            {
                "pickup": {
                    "id": 11,
                    "location_index": 1,
                    "service": 120,
                    "time_windows": [[30_000, 33_000]],
                },
                "delivery": {"id": 12, "location_index": 2, "service": 60, "setup": 30},
                "amount": [1, 1],
                "skills": [14],
                "priority": 5,
                "max_ride_time": 900,
            }
        ],
        "jobs": [{"id": 11, "location_index": 4, "service": 300, "time_windows": [[0, 40_000]]}],
        "matrices": {"car": {"durations": copy.deepcopy(DURATIONS)}},
    }


def edited(path: str, value: Any) -> dict[str, Any]:
    """The document with one field set (`vehicles.0.id`), or dropped where `value` is `...`."""
    whole = document()
    *parents, last = [int(key) if key.isdecimal() else key for key in path.split(".")]
    target: Any = whole
    for key in parents:
        target = target[key]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return whole


def test_a_shipment_is_a_request_with_its_ride_time() -> None:
    case = vroom_case(document())
    shipment, job = case.problem.requests
    assert shipment.id == "shipment 11"
    assert shipment.pickup == Visit(place=1, window=TimeWindow(30_000, 33_000), service_s=120)
    # Nothing else is at place 2, so that every visit there needs the setup.
    assert shipment.dropoff == Visit(place=2, service_s=90)
    assert shipment.load == Load(seats=1, wheelchairs=1)
    assert (shipment.max_ride_s, shipment.priority, shipment.skills) == (900, 5, {"14"})
    # A job is a visit that nobody rides from.
    assert (job.id, job.load, job.max_ride_s) == ("job 11", Load(), 0)
    assert job.pickup == Visit(place=4, window=TimeWindow(0, 40_000), service_s=300)
    assert job.dropoff == Visit(place=4)
    assert case.ends["job", 11] == (StopKind.PICKUP, "job 11")
    assert case.ends["delivery", 12] == (StopKind.DROPOFF, "shipment 11")
    assert case.warnings == ()


def test_a_vehicle_is_a_duty() -> None:
    van, open_start = vroom_case(document()).problem.duties
    assert (van.id, van.start_place, van.end_place) == ("vehicle 7", 0, 0)
    assert van.capacity == Capacity(seats=4, wheelchairs=1)
    assert (van.shift, van.skills) == (TimeWindow(28_800, 43_200), {"1", "14"})
    assert van.breaks == (Break(duration_s=900, window=TimeWindow(34_000, 40_000)),)
    assert (open_start.start_place, open_start.end_place) == (None, 3)
    assert open_start.max_duration_s == math.inf


def test_what_is_absent_is_open() -> None:
    case = vroom_case({"vehicles": [{"id": 1}], "matrix": DURATIONS})
    [duty] = case.problem.duties
    assert (duty.shift, duty.capacity) == (TimeWindow(0, math.inf), Capacity(seats=0))
    assert case.problem.requests == ()
    assert vroom_case(edited("shipments.0.max_ride_time", None)).problem.requests[
        0
    ].max_ride_s == float("inf")


def test_dimensions_and_skills_can_be_named() -> None:
    whole = document() | {"dimensions": ["stretchers", "seats"], "skill_names": {"14": "stairs"}}
    case = vroom_case(whole)
    assert case.problem.requests[0].load == Load(stretchers=1, seats=1)
    assert case.problem.duties[0].capacity == Capacity(seats=1, stretchers=4)
    assert case.problem.requests[0].skills == {"stairs"}
    assert case.problem.duties[0].skills == {"1", "stairs"}


def test_costs_are_hours_and_kilometres_or_a_matrix_of_their_own() -> None:
    by_time = vroom_case(document())
    assert np.array_equal(by_time.problem.travel.distance_km, np.array(DURATIONS, dtype=float))
    whole = document()
    whole["matrices"]["car"]["distances"] = [[10 * value for value in row] for row in DURATIONS]
    for vehicle in whole["vehicles"]:
        vehicle["costs"] = {"per_hour": 1_800, "per_km": 100, "fixed": 50}
    mixed = vroom_case(whole)
    assert mixed.costs[0, 1] == 300 * 0.5 + 3.0 * 100
    assert mixed.distances_m is not None
    assert mixed.distances_m[0, 1] == 3_000
    assert mixed.problem.weights.duties_used == 50
    whole = document()
    whole["matrices"]["car"]["costs"] = [[7] * 5 for _ in range(5)]
    assert vroom_case(whole).problem.travel.distance_km[0, 1] == 7


def test_a_second_price_makes_emergency_drivers() -> None:
    whole = document()
    whole["vehicles"][0]["costs"] = {"fixed": 500}
    case = vroom_case(whole)
    assert [duty.driver_kind for duty in case.problem.duties] == [
        DriverKind.EMERGENCY,
        DriverKind.REGULAR,
    ]
    assert (case.problem.weights.duties_used, case.problem.weights.emergency_duties) == (0, 500)


def test_the_speed_factor_scales_times_and_costs_upwards() -> None:
    whole = document()
    for vehicle in whole["vehicles"]:
        vehicle["speed_factor"] = 1.5
    case = vroom_case(whole)
    assert case.problem.travel.time_s[0, 2] == 467  # 700 / 1.5 is 466.67
    assert case.costs[0, 1] == 200
    assert "rounded up" in case.warnings[0]


def test_priority_goes_before_the_number_of_tasks_and_that_before_any_cost() -> None:
    case = vroom_case(document())
    weights = case.problem.weights
    dearest_plan = (2 * 2 + 2) * 700
    assert weights.unserved > dearest_plan
    assert weights.unserved_priority > 2 * weights.unserved
    assert evaluate(case.problem, Plan(routes=())).total == pytest.approx(
        2 * weights.unserved + 5 * weights.unserved_priority
    )


def test_a_break_without_a_limit_of_load_is_stricter_here_and_says_so() -> None:
    [warning] = vroom_case(edited("vehicles.0.breaks.0.max_load", ...)).warnings
    assert "vehicles[0].breaks[0] is taken with nobody on board" in warning


def test_steps_are_where_the_search_starts() -> None:
    steps = [
        {"type": "start"},
        {"type": "job", "id": 11},
        {"type": "pickup", "id": 11},
        {"type": "delivery", "id": 12},
        {"type": "break", "id": 3},
        {"type": "end"},
    ]
    case = vroom_case(edited("vehicles.0.steps", steps))
    assert case.start is not None
    [route] = case.start.routes
    assert isinstance(route, Route)
    assert route.requests == ("job 11", "shipment 11")
    assert {v.rule for v in check(case.problem, case.start)} == {Rule.BREAK}
    assert case.problem.duties[0].committed == ()


def test_committed_steps_fix_the_beginning_and_put_its_breaks_first() -> None:
    whole = document()
    whole["vehicles"][0]["breaks"].insert(0, {"id": 8, "service": 60, "max_load": [0, 0]})
    whole["vehicles"][0]["committed"] = [
        {"type": "job", "id": 11, "service_at": 30_100},
        {"type": "break", "id": 3},
    ]
    case = vroom_case(whole)
    duty = case.problem.duties[0]
    assert duty.committed == (
        Committed(kind="pickup", request="job 11", begin_s=30_100),
        Committed(kind="dropoff", request="job 11"),
        Committed(kind="break"),
    )
    assert [pause.duration_s for pause in duty.breaks] == [900, 60]
    assert [pause.id for pause in case.vehicles["vehicle 7"].breaks] == [3, 8]
    whole["vehicles"][0]["committed"].append({"type": "break", "id": 8})
    assert [pause.duration_s for pause in vroom_case(whole).problem.duties[0].breaks] == [900, 60]


def test_limits_that_no_route_can_reach_are_no_limits() -> None:
    whole = document()
    whole["vehicles"][0] |= {"max_tasks": 3, "max_travel_time": 14_400}
    assert vroom_case(whole).problem.duties == vroom_case(document()).problem.duties
    whole["vehicles"][0] |= {"max_duration": 3_000, "max_travel_time": 3_000}
    assert vroom_case(whole).problem.duties[0].max_duration_s == 3_000


REFUSED = [
    ("vehicles", ..., "vehicles", "is missing"),
    ("vehicles", [], "vehicles", "is missing"),
    ("vehicles", {}, "vehicles", "give an array"),
    ("vehicles.0", 7, "vehicles[0]", "give an object"),
    ("vehicles.0.id", ..., "vehicles[0].id", "is missing"),
    ("vehicles.0.id", True, "vehicles[0].id", "is True"),
    ("vehicles.0.id", 1.5, "vehicles[0].id", "is 1.5"),
    ("vehicles.0.id", -1, "vehicles[0].id", "is -1"),
    ("vehicles.1.id", 7, "vehicles[1].id", "a second time"),
    ("vehicles.0.max_ride_tme", 7, "vehicles[0].max_ride_tme", "no field of the format"),
    ("vehicles.0.start_index", 5, "vehicles[0].start_index", "from 0 to 4"),
    ("vehicles.0.start_index", ..., "vehicles[0].start_index", "asks no router"),
    ("vehicles.0.start", [6.1], "vehicles[0].start", "give [lon, lat]"),
    ("vehicles.0.capacity", [4], "vehicles[0].capacity", "seats, wheelchairs"),
    ("vehicles.0.capacity", [4, 1, 1, 1], "vehicles[0].capacity", "has 4 components"),
    ("vehicles.0.capacity", [4, -1], "vehicles[0].capacity[1]", "is -1"),
    ("vehicles.0.profile", "bike", "vehicles[1].profile", "plan them apart"),
    ("vehicles.0.speed_factor", 2, "vehicles[1].speed_factor", "plan them apart"),
    ("vehicles.0.speed_factor", 0, "vehicles[0].speed_factor", "from 0.01 to 5"),
    ("vehicles.0.costs", {"per_hour": 60}, "vehicles[1].costs.per_hour", "plan them apart"),
    ("vehicles.0.costs", {"per_task_hour": 60}, "vehicles[0].costs.per_task_hour", "leave it out"),
    ("vehicles.0.max_tasks", 2, "vehicles[0].max_tasks", "does not know"),
    ("vehicles.0.max_travel_time", 900, "vehicles[0].max_travel_time", "give max_duration"),
    ("vehicles.0.max_distance", 900, "vehicles[0].max_distance", "does not know"),
    ("vehicles.0.time_window", [9, 8], "vehicles[0].time_window", "closes (8) before"),
    ("vehicles.0.time_window", [[0, 9]], "vehicles[0].time_window", "give [start, end]"),
    ("vehicles.0.breaks.0.max_load", [1, 0], "vehicles[0].breaks[0].max_load", "nobody on board"),
    ("vehicles.0.breaks.0.service", 9_201, "vehicles[0].breaks[0].time_windows", "does not fit"),
    ("vehicles.0.breaks.0.id", ..., "vehicles[0].breaks[0].id", "is missing"),
    ("vehicles.0.steps", [{"type": "fly"}], "vehicles[0].steps[0].type", "give one of"),
    ("vehicles.0.steps", [{"type": "job", "id": 9}], "vehicles[0].steps[0].id", "no job has"),
    (
        "vehicles.0.steps",
        [{"type": "job", "id": 11, "service_at": 9}],
        "vehicles[0].steps[0].service_at",
        "committed",
    ),
    ("vehicles.0.steps", [{"type": "delivery", "id": 12}], "vehicles[0].steps", "break a rule"),
    (
        "vehicles.1.steps",
        [{"type": "pickup", "id": 11}, {"type": "delivery", "id": 12}],
        "vehicles[1].steps",
        "skills",
    ),
    (
        "vehicles.0.committed",
        [{"type": "delivery", "id": 12}],
        "vehicles[0].committed[0]",
        "dropped off before",
    ),
    (
        "vehicles.0.committed",
        [{"type": "break", "id": 3}, {"type": "break", "id": 3}],
        "vehicles[0].committed[1].id",
        "no break that is left",
    ),
    (
        "vehicles.0.committed",
        [{"type": "job", "id": 11, "service_before": 9}],
        "vehicles[0].committed[0].service_before",
        "give service_at",
    ),
    ("shipments.0.delivery", ..., "shipments[0].delivery", "is missing"),
    ("shipments.0.pickup.location_index", ..., "shipments[0].pickup.location_index", "router"),
    ("shipments.0.pickup.location_index", 5, "shipments[0].pickup.location_index", "from 0 to 4"),
    ("shipments.0.delivery.location_index", 1, "shipments[0].delivery.setup", "more than this"),
    ("shipments.0.delivery.location_index", 0, "shipments[0].delivery.setup", "more than this"),
    (
        "shipments.0.pickup.time_windows",
        [[0, 1], [2, 3]],
        "shipments[0].pickup.time_windows",
        "has 2 windows",
    ),
    ("shipments.0.pickup.time_windows", [], "shipments[0].pickup.time_windows", "0 windows"),
    (
        "shipments.0.pickup.service_per_type",
        {"van": 3},
        "shipments[0].pickup.service_per_type",
        "one duration",
    ),
    ("shipments.0.amount", [1], "shipments[0].amount", "give 2 (seats, wheelchairs)"),
    ("shipments.0.amount", [1, 2_000_000], "shipments[0].amount[1]", "at most 1,000,000"),
    ("shipments.0.priority", 101, "shipments[0].priority", "from 0 to 100"),
    ("shipments.0.skills", ["a"], "shipments[0].skills[0]", "is 'a'"),
    ("shipments.0.max_ride_time", -1, "shipments[0].max_ride_time", "is -1"),
    ("shipments.0.exclusive", 1, "shipments[0].exclusive", "no field of the format"),
    ("jobs.0.delivery", [1, 0], "jobs[0].delivery", "shipment from or to the depot"),
    ("jobs.0.amount", [1, 0], "jobs[0].amount", "shipment from or to the depot"),
    ("jobs.0.description", 7, "jobs[0].description", "give a string"),
    ("matrices", ..., "matrices", "the engine takes matrices"),
    ("matrices", {"bike": {}}, "matrices.car", "is missing"),
    ("matrices.car.durations", ..., "matrices.car.durations", "the engine takes matrices"),
    ("matrices.car.durations.1", [1, 2], "matrices.car.durations[1]", "give 5 numbers"),
    ("matrices.car.durations.1.2", 1.5, "matrices.car.durations[1][2]", "is 1.5"),
    ("matrices.car.durations.1.2", -1, "matrices.car.durations[1][2]", "is -1"),
    ("matrices.car.distances", [[1]], "matrices.car.distances", "has 1 rows, durations 5"),
    ("dimensions", ["seats", "boxes"], "dimensions", "choose from seats"),
    ("dimensions", ["seats", "seats"], "dimensions", "choose from seats"),
    ("skill_names", {"14": "7"}, "skill_names.14", "no name of a skill"),
    ("options", {"g": True}, "options", "no field of the format"),
]


@pytest.mark.parametrize(("path", "value", "field", "says"), REFUSED)
def test_what_the_engine_cannot_honour_is_refused_by_its_name(
    path: str, value: Any, field: str, says: str
) -> None:
    with pytest.raises(VroomError) as caught:
        vroom_case(edited(path, value))
    assert caught.value.field == field
    assert says in str(caught.value)
    assert caught.value.remedy
    assert len(str(caught.value)) < 1_000


def test_one_id_may_not_name_two_tasks_of_a_kind() -> None:
    whole = document()
    whole["jobs"] *= 2
    with pytest.raises(VroomError, match=r"jobs\[1\]\.id is 11 for a second job"):
        vroom_case(whole)


def test_a_price_by_kilometre_needs_distances() -> None:
    whole = document()
    for vehicle in whole["vehicles"]:
        vehicle["costs"] = {"per_km": 5}
    with pytest.raises(VroomError, match=r"matrices\.car\.distances is missing"):
        vroom_case(whole)
    whole["matrices"]["car"]["costs"] = DURATIONS
    with pytest.raises(VroomError, match="per_km stands beside a costs matrix"):
        vroom_case(whole)


def test_a_file_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "day.json"
    path.write_text(json.dumps(document()))
    case = read_vroom(path)
    assert case.name == "day"
    path.write_text(json.dumps(edited("vehicles.0.id", -1)))
    with pytest.raises(InstanceError, match=r"day\.json: vehicles\[0\]\.id is -1; give a whole"):
        read_vroom(path)
    path.write_text('{"vehicles": [{"id": 1, "id": 2}]}')
    with pytest.raises(InstanceError, match="names the field 'id' twice"):
        read_vroom(path)
    path.write_text('{"vehicles": [\n}')
    with pytest.raises(InstanceError, match=r"day\.json, line 2: is no JSON"):
        read_vroom(path)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 50_000)
    | st.just(10**30)
    | st.floats(allow_nan=True)
    | st.sampled_from(["", "car", "pickup", "7", "x" * 90]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "service", "type", "durations"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)


def paths(value: Any, prefix: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a document."""
    entries = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    below = [path for key, entry in entries for path in paths(entry, (*prefix, key))]
    return [prefix, *below] if prefix else below


def outcome(reading: Callable[[], VroomCase], expected: type[Exception]) -> VroomCase | Exception:
    """What is read, or the format's own error; any other goes through."""
    try:
        return reading()
    except expected as error:
        return error


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_stands_in_a_field_only_the_formats_error_is_raised(data: st.DataObject) -> None:
    whole = document()
    whole["vehicles"][0]["steps"] = [{"type": "job", "id": 11}]
    whole["vehicles"][0]["committed"] = [{"type": "job", "id": 11, "service_at": 30_000}]
    for _ in range(data.draw(st.integers(1, 3))):
        *parents, last = data.draw(st.sampled_from(paths(whole)))
        target: Any = whole
        for key in parents:
            target = target[key]
        if data.draw(st.booleans()) and isinstance(target, dict):
            del target[last]
        else:
            target[last] = data.draw(JSON)
    result = outcome(lambda: vroom_case(whole), VroomError)
    assert isinstance(result, VroomCase) or result.args


@given(st.integers(0, 1_200), st.integers(0, 8), st.binary(max_size=8))
@example(0, 2_000, b"")
@example(0, 0, b"[" * 8)
@settings(max_examples=150, deadline=None)
def test_whatever_the_bytes_are_only_the_formats_error_of_files_is_raised(
    tmp_path_factory: pytest.TempPathFactory, start: int, removed: int, put: bytes
) -> None:
    raw = json.dumps(document()).encode()
    path = tmp_path_factory.mktemp("fuzz") / "day.json"
    path.write_bytes(raw[:start] + put + raw[start + removed :])
    result = outcome(lambda: read_vroom(path), InstanceError)
    assert isinstance(result, VroomCase) or str(path) in str(result)
