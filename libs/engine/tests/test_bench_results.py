"""What the files say: every run in the CSV, the figures in the tables, the command in all."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from support.bench_runs import made_run, refused_run

from atmr_engine.bench import results
from atmr_engine.bench.groups import groups_of
from atmr_engine.bench.plot import INSTALLED, write_plot
from atmr_engine.bench.provenance import Choice, notes_of
from atmr_engine.bench.report import sheet
from atmr_engine.bench.results import show_results
from atmr_engine.bench.results_csv import ResultsFile, read_results
from atmr_engine.bench.run import Run, Verdict
from atmr_engine.formats.instance_text import InstanceError

COMMAND = "made by: python -m atmr_engine.bench --set a"
RUNS = [
    made_run(),
    made_run(instance="a3-3", distance=104.0, seconds=1.1),
    made_run(peer="vroom", instance="a3-3", distance=120.0, seconds=4.0),
    refused_run(peer="vroom"),
    made_run(budget_s=5.0, distance=101.0),
]


def written(path: Path, runs: list[Run]) -> Path:
    with path.open("w") as file:
        results_file = ResultsFile(file, [COMMAND, "left out: set b"])
        for run in runs:
            results_file.add(run)
    return path


def test_every_run_comes_back_from_the_csv(tmp_path: Path) -> None:
    odd = made_run(best_vehicles=9, vehicles_first=True, message='window "1": late, and so on')
    runs = [*RUNS, odd]
    notes, read = read_results(written(tmp_path / "runs.csv", runs))
    assert notes == [COMMAND, "left out: set b"]
    assert read == runs


def test_a_run_is_on_the_disk_at_once(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    with path.open("w") as file:
        ResultsFile(file, [COMMAND]).add(made_run())
        assert read_results(path)[1] == [made_run()]


def test_a_file_that_is_no_table_of_runs_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    with pytest.raises(InstanceError, match="no table of runs"):
        read_results(other)
    damaged = written(tmp_path / "damaged.csv", [made_run()])
    damaged.write_text(damaged.read_text().replace(",110,", ",far,"))
    with pytest.raises(InstanceError, match="damaged"):
        read_results(damaged)
    with pytest.raises(InstanceError, match="No such file"):
        read_results(tmp_path / "missing.csv")


def test_a_table_has_gaps_breaches_and_overruns() -> None:
    (group,) = groups_of(RUNS)
    words = sheet(group)
    assert words.title == "a, tuning (2 instances): mean gap to the best known in %"
    assert words.header[:3] == ("solver", "1 s", "5 s")
    ours, vroom = words.rows
    assert words.header[3:] == ("unserved", "breaches", "no answer", "mean s", "longest s")
    assert ours == ("ours", "7.00", "1.00", "0", "0", "0", "1.1 / 1.0", "1.1 / 1.0")
    assert vroom == ("vroom", "20.00 (1/2)", "-", "0", "1", "0", "2.5", "4.0")


def test_a_gap_that_rounds_to_nothing_has_no_sign() -> None:
    (group,) = groups_of([made_run(distance=99.999), made_run(peer="pyvrp", distance=99.0)])
    assert [row[1] for row in sheet(group).rows] == ["0.00", "-1.00"]


def test_a_table_of_vehicles_first_says_how_many_are_too_many() -> None:
    counted = {"vehicles_first": True, "best_vehicles": 2, "set_name": "lilim-100"}
    runs = [made_run(**counted), made_run(instance="lc102", **{**counted, "vehicles": 3})]
    (group,) = groups_of(runs)
    assert sheet(group).rows[0][1] == "+1; 10.00 (1/2)"
    assert "vehicles above the best known" in sheet(group).title
    (group,) = groups_of([*runs, refused_run(instance="lc103", **counted)])
    assert sheet(group).rows[0][1] == "+1 (2/3); 10.00 (1/3)"
    unknown = {**counted, "best_vehicles": None, "best_distance": None}
    (group,) = groups_of(
        [made_run(**unknown), made_run(peer="pyvrp", **{**unknown, "vehicles": 4})]
    )
    assert [row[1] for row in sheet(group).rows] == ["+0; 0.00 (1/1)", "+2; - (0/1)"]
    assert "vehicles above the fewest of these runs" in sheet(group).title


def test_a_table_without_best_values_has_costs_and_the_first_full_plan() -> None:
    unknown = {"set_name": "synthetic", "instance": "s5-50", "best_distance": None}
    runs = [
        made_run(distance=4_200.0, first_full_plan_s=0.25, **unknown),
        made_run(peer="pyvrp", distance=5_250.0, **unknown),
        made_run(peer="vroom", verdict=Verdict.INCOMPLETE, unserved=7, **unknown),
    ]
    (group,) = groups_of(runs)
    words = sheet(group)
    assert words.title.startswith("synthetic, s5-50: cost")
    assert words.header[-1] == "all served after"
    ours, pyvrp, vroom = words.rows
    assert (ours[1], ours[-1]) == ("4,200 (+0.0)", "0.25 s")
    assert (pyvrp[1], pyvrp[-1]) == ("5,250 (+25.0)", "-")
    assert vroom[1:3] == ("- (0/1)", "7")


def shown(runs: list[Run], out: Path) -> tuple[str, str]:
    screen = Console(file=StringIO(), width=200)
    aside = Console(file=StringIO(), width=200)
    show_results([COMMAND], runs, out, screen, aside)
    return screen.file.getvalue(), aside.file.getvalue()  # type: ignore[attr-defined]


def test_terminal_and_markdown_say_the_same(tmp_path: Path) -> None:
    screen, _ = shown(RUNS, tmp_path / "results")
    document = (tmp_path / "results.md").read_text()
    assert COMMAND in document
    assert "| vroom | 20.00 (1/2) | - | 0 | 1 | 0 | 2.5 | 4.0 |" in document
    assert "20.00 (1/2)" in screen


def test_a_busy_machine_is_told(tmp_path: Path) -> None:
    _, quiet = shown([made_run()], tmp_path / "results")
    assert "Do not publish" not in quiet
    _, busy = shown([made_run(cpu_s=0.4)], tmp_path / "results")
    assert "Do not publish" in busy
    assert "ours 0.40" in (tmp_path / "results.md").read_text()


def test_without_matplotlib_the_missing_picture_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "INSTALLED", False)
    _, aside = shown([made_run()], tmp_path / "results")
    assert "No picture: matplotlib is not installed (make setup-bench)" in aside
    assert not (tmp_path / "results.svg").exists()


@pytest.mark.skipif(not INSTALLED, reason="matplotlib is absent: make setup-bench")
def test_the_picture_names_its_command(tmp_path: Path) -> None:
    path = tmp_path / "results.svg"
    assert write_plot(groups_of(RUNS), COMMAND, path)
    assert path.read_text().count(COMMAND) >= 1
    assert not write_plot(groups_of([refused_run()]), COMMAND, tmp_path / "none.svg")


def test_the_command_is_told_without_a_folder_of_the_machine() -> None:
    choice = Choice(sets=("a",), instances=("a2*",), peers=("ours",), budgets_s=(1.0, 0.5), seeds=3)
    assert choice.command == (
        "python -m atmr_engine.bench --set a --instances 'a2*' --peer ours "
        "--budget 1 --budget 0.5 --seeds 3"
    )
    notes = notes_of(choice, [], ["set b is absent"])
    assert notes[0] == f"made by: {choice.command}"
    assert notes[-1] == "left out: set b is absent"
