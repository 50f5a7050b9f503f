"""The command `atmr-engine`, as people and programs call it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from atmr_engine.command_line import app

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

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


def test_help_names_the_formats_and_where_csv_days_are_planned() -> None:
    assert "atmr plan" in run("--help").stdout
    text = run("solve", "--help").stdout
    assert "cordeau" in text
    assert "lilim" in text
