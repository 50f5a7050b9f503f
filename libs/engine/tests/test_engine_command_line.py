"""The command `atmr-engine`, as people and programs call it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from atmr_engine import solver
from atmr_engine.command_line import app

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

    from atmr_engine.plan import Plan

CORDEAU = """\
2 2 480 3 30
0 0 0 0 0 0 480
1 3 4 3 1 60 75
2 6 8 3 1 0 1440
3 9 12 3 -1 0 1440
4 0 5 3 -1 100 115
"""
LILIM = """\
2 30 1
0 0 0 0 0 100 0 0 0
1 3 4 10 0 90 9 0 2
2 6 8 -10 0 90 9 1 0
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.txt"
    path.write_text(CORDEAU)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_solved_instance_is_printed_for_programs_and_passes_the_check(
    tiny: Path, tmp_path: Path
) -> None:
    out = tmp_path / "plan.json"
    result = run("solve", tiny, "--iterations", 200, "--seed", 3, "--out", out, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document == json.loads(out.read_text())
    assert (document["unserved"], document["valid"], document["iterations"]) == (0, True, 200)
    assert document["vehicles"] == len(document["routes"])
    assert sorted(node for route in document["routes"] for node in route["nodes"]) == [1, 2, 3, 4]
    again = run("solve", tiny, "--iterations", 200, "--seed", 3, "--json")
    assert json.loads(again.stdout)["routes"] == document["routes"]
    checked = run("check", tiny, out, "--json")
    assert checked.exit_code == 0
    assert json.loads(checked.stdout)["cost"] == pytest.approx(document["cost"])


def test_li_and_lim_is_solved_and_printed_for_people(tmp_path: Path) -> None:
    path = tmp_path / "lilim.txt"
    path.write_text(LILIM)
    result = run("solve", path, "--format", "lilim", "--iterations", 10)
    assert result.exit_code == 0, result.output
    assert "cost 20.00, 1 vehicles, 0 unserved" in result.stdout
    assert "1 2" in result.stdout


def test_a_refused_plan_lists_its_violations(tiny: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"routes": [{"nodes": [1, 3], "times": [60, 72]}]}))
    result = run("check", tiny, plan)
    assert result.exit_code == 1
    assert "refused" in result.stdout
    assert "travel: 1 on vehicle 1: dropoff begins 60.0 s before" in result.stdout
    assert "coverage: 2: picked up 0 times" in result.stdout
    document = json.loads(run("check", tiny, plan, "--json").stdout)
    assert document["valid"] is False
    assert {entry["rule"] for entry in document["violations"]} == {"travel", "coverage"}


def test_more_routes_than_vehicles_are_a_violation_and_no_crash(tiny: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    routes = [{"nodes": [1]}, {"nodes": [3]}, {"nodes": [2, 4]}]
    plan.write_text(json.dumps({"routes": routes}))
    for form in ([], ["--json"]):
        result = run("check", tiny, plan, *form)
        assert result.exit_code == 1
        assert "vehicle 3" in result.stdout


def test_what_cannot_be_read_is_said_with_status_two(tiny: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.txt"
    broken.write_text("[bold]-2 2 480 3 30")
    for arguments, says in (
        (["solve", tmp_path / "missing"], "No such file"),
        (["solve", broken], "'[bold]-2' is no number"),
        (["check", tiny, broken], "is no JSON"),
        (["solve", tiny, "--seconds", "inf"], "finite"),
        (["solve", tiny, "--iterations", 1, "--out", tmp_path], "can be written"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2, result.output
        assert says in result.stderr
        assert "Traceback" not in result.output


def test_help_names_the_formats_and_where_csv_days_are_planned_on_roads() -> None:
    assert "atmr plan" in run("--help").stdout
    text = run("solve", "--help").stdout
    for name in ("cordeau", "lilim", "sartori", "vroom", "csv"):
        assert name in text
    assert "csv" not in run("check", "--help").stdout


SARTORI = """\
NAME: tiny-n3
TYPE: PDPTW
SIZE: 3
CAPACITY: 1
NODES
0 46.20 6.10 0 0 240 0 0 0
1 46.21 6.11 1 10 70 3 0 2
2 46.22 6.12 -1 30 90 3 1 0
EDGES
0 5 9
6 0 4
9 5 0
EOF
"""


def test_sartori_is_solved_and_its_route_lines_are_checked(tmp_path: Path) -> None:
    path, lines = tmp_path / "tiny.txt", tmp_path / "solution.txt"
    path.write_text(SARTORI)
    solved = run("solve", path, "--format", "sartori", "--iterations", 10, "--routes", lines)
    assert solved.exit_code == 0, solved.output
    assert "cost 18.00, 1 vehicles, 0 unserved" in solved.stdout
    assert lines.read_text().endswith("Solution\nRoute 1 : 1 2\n")
    checked = run("check", path, lines, "--format", "sartori")
    assert checked.exit_code == 0, checked.output
    assert "valid" in checked.stdout
    lines.write_text("Route 1 : 2 1\n")
    refused = run("check", path, lines, "--format", "sartori", "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["violations"][0]["rule"] == "order"


VROOM = {
    "vehicles": [
        {
            "id": 7,
            "start_index": 0,
            "end_index": 0,
            "capacity": [1],
            "time_window": [0, 7_200],
            "breaks": [{"id": 3, "service": 60, "time_windows": [[0, 7_000]]}],
            "steps": [{"type": "pickup", "id": 1}, {"type": "delivery", "id": 1}],
        }
    ],
    "shipments": [
        {
            "pickup": {"id": 1, "location_index": 1, "service": 60},
            "delivery": {"id": 1, "location_index": 2},
            "amount": [1],
            "max_ride_time": 1_000,
        },
        {
            "pickup": {"id": 2, "location_index": 2},
            "delivery": {"id": 2, "location_index": 1},
            "amount": [2],
        },
    ],
    "matrices": {"car": {"durations": [[0, 300, 500], [310, 0, 250], [490, 240, 0]]}},
}


def test_vroom_s_json_is_answered_in_vroom_s_json_beside_our_own_keys(tmp_path: Path) -> None:
    path, out = tmp_path / "day.json", tmp_path / "solution.json"
    path.write_text(json.dumps(VROOM))
    result = run("solve", path, "--format", "vroom", "--iterations", 10, "--out", out, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["instance"], document["cost"]) == ("day", 300 + 250 + 490)
    assert (document["vehicles"], document["unserved"], document["valid"]) == (1, 1, True)
    assert document["summary"]["unassigned"] == 2
    assert document["unassigned"][0]["rule"] == "capacity"
    assert document["routes"][0]["steps"][0]["type"] == "start"
    assert "stricter than VROOM" in document["warnings"][0]
    assert json.loads(out.read_text()) == document
    checked = run("check", path, out, "--format", "vroom", "--json")
    assert checked.exit_code == 0, checked.output
    assert json.loads(checked.stdout)["cost"] == document["cost"] == document["summary"]["cost"]
    people = run("solve", path, "--format", "vroom", "--iterations", 10)
    assert "pickup 1" in people.stdout
    assert "unassigned: delivery 2" in people.stdout
    assert "Warning:" in people.stdout


def test_the_times_of_a_vroom_solution_can_be_left_to_us(tmp_path: Path) -> None:
    path, plan = tmp_path / "day.json", tmp_path / "solution.json"
    path.write_text(json.dumps(VROOM))
    late = [
        {"type": "start", "arrival": 0},
        {"type": "pickup", "id": 1, "arrival": 300},
        {"type": "delivery", "id": 1, "arrival": 600},
        {"type": "break", "id": 3, "arrival": 601, "service": 60},
        {"type": "end", "arrival": 1_000},
    ]
    left = [{"type": "pickup", "id": 2}]
    plan.write_text(json.dumps({"routes": [{"vehicle": 7, "steps": late}], "unassigned": left}))
    refused = run("check", path, plan, "--format", "vroom")
    assert refused.exit_code == 1
    assert "travel: " in refused.stdout
    assert run("check", path, plan, "--format", "vroom", "--retime").exit_code == 0
    assert run("check", path, plan, "--retime").exit_code == 2
    late.insert(4, late[3])
    plan.write_text(json.dumps({"routes": [{"vehicle": 7, "steps": late}], "unassigned": left}))
    for form in (["--json"], ["--retime"]):
        doubled = run("check", path, plan, "--format", "vroom", *form)
        assert doubled.exit_code == 1, doubled.output
        assert "2 breaks are planned" in doubled.stdout


BOOKINGS = """\
booking_id,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon,appointment_at,mobility,will_call
B1,46.2044,6.1432,46.1927,6.1483,2026-03-12T10:00,ambulatory,
B2,46.2100,6.1300,46.1927,6.1483,,wheelchair,yes
"""
DUTIES = """\
duty_id,driver,vehicle,seats,start_lat,start_lon,shift_start,shift_end
D1,[b]Ann,V1,3,46.2,6.14,2026-03-12T08:00,2026-03-12T16:00
"""


def csv_day(tmp_path: Path, bookings: str = BOOKINGS) -> list[object]:
    first, second = tmp_path / "bookings.csv", tmp_path / "duties.csv"
    first.write_text(bookings)
    second.write_text(DUTIES)
    return ["solve", first, "--format", "csv", "--duties", second, "--zone", "Europe/Zurich"]


def test_a_csv_day_is_planned_with_straight_lines_and_says_so(tmp_path: Path) -> None:
    result = run(*csv_day(tmp_path), "--iterations", 10, "--json", "--speed-kmh", 20)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["vehicles"], document["unserved"], document["valid"]) == (1, 0, True)
    assert document["travel"] == {
        "source": "straight_line",
        "speed_kmh": 20.0,
        "detour_factor": 1.3,
    }
    assert document["held"][0]["booking"] == "B2"
    assert [stop["kind"] for stop in document["routes"][0]["stops"]][1] == "pickup"
    people = run(*csv_day(tmp_path), "--iterations", 10).stdout
    assert "[b]Ann" in people
    assert "straight-line estimates (1.3 times the great circle at 30 km/h)" in people
    assert "held: B2: will call" in people


def test_wrong_days_and_options_are_said_with_status_two(tiny: Path, tmp_path: Path) -> None:
    day = csv_day(tmp_path)
    broken = BOOKINGS.replace("ambulatory", "foot")
    for arguments, says in (
        (csv_day(tmp_path, broken), "bookings.csv row 2, column mobility: 'foot'"),
        (csv_day(tmp_path)[:4], "needs --duties"),
        ([*day[:-1], "Nowhere"], "Nowhere"),
        ([*day, "--speed-kmh", 0], "positive"),
        ([*day, "--detour-factor", 0.5], "at least 1"),
        ([*day[:5], tmp_path / "missing.csv"], "No such file"),
        (["solve", tiny, "--zone", "Europe/Zurich"], "--zone is for --format csv"),
        (["solve", tiny, "--speed-kmh", 3], "--speed-kmh is for --format csv"),
        (["solve", tiny, "--date", "2026-03-12"], "--date is for --format csv"),
        ([*day, "--date", "2026-03-13"], "2026-03-13"),
        ([*day, "--routes", tmp_path / "x"], "--routes is for benchmarks"),
        (["solve", tiny, "--iterations", 1, "--routes", tmp_path], "give --routes a path"),
    ):
        csv_day(tmp_path, broken if says.startswith("bookings") else BOOKINGS)
        result = run(*arguments)
        assert result.exit_code == 2, (says, result.output)
        assert says in result.stderr
        assert "Traceback" not in result.output


def test_threads_reach_the_search_and_none_is_an_error(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[Any] = []

    def noted(*arguments: Any) -> Plan:
        received.append(arguments[-1])
        return genuine(*arguments)

    genuine = solver.solve
    monkeypatch.setattr(solver, "solve", noted)
    for threads in (1, 2):
        result = run("solve", tiny, "--iterations", 70, "--threads", threads, "--json")
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["iterations"] == 70
    assert received[-2:] == [1, 2]
    assert run("solve", tiny, "--iterations", 5, "--threads", 0).exit_code == 2


def test_what_a_file_says_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "day.json"
    path.write_text(json.dumps(VROOM | {"\x1b[31m\ud800": 1}))
    result = run("solve", path, "--format", "vroom")
    assert result.exit_code == 2
    assert "\ufffd[31m\ufffd is no field of the format" in result.stderr
    path.write_text("\x1b[31m: 1\n" * 2)
    result = run("solve", path, "--format", "sartori")
    assert result.exit_code == 2
    assert "\x1b[31m:" not in result.stderr


def test_a_committed_beginning_that_cannot_be_kept_is_no_crash(tmp_path: Path) -> None:
    whole = json.loads(json.dumps(VROOM))
    del whole["vehicles"][0]["steps"]
    whole["vehicles"][0]["committed"] = [{"type": "pickup", "id": 1, "service_at": 7_000}]
    path = tmp_path / "day.json"
    path.write_text(json.dumps(whole))
    result = run("solve", path, "--format", "vroom", "--iterations", 5)
    assert result.exit_code == 2
    assert "no timetable keeps its committed beginning" in result.stderr
