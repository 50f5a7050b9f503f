"""The command from its options to its files, with solvers made for the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bench_runs import BEST, TINY, write_tiny
from typer.testing import CliRunner, Result

from atmr_engine.bench import command_line, progress
from atmr_engine.bench.command_line import app
from atmr_engine.bench.peers.peer import PeerSource
from atmr_engine.bench.results_csv import read_results
from atmr_engine.bench.run import Verdict

SOLVERS = """
from atmr_engine.bench.peers.peer import Found

class Good:
    routes = [[1, 3], [2, 4]]

    def state(self, instance):
        return lambda seconds, seed: Found(routes=self.routes)

class Bad(Good):
    routes = [[1, 2, 4, 3]]
"""
MADE = (
    PeerSource(
        name="good", factory="made_solvers:Good", states="exact", varies=True, package="rich"
    ),
    PeerSource(
        name="bad", factory="made_solvers:Bad", states="not at all", varies=False, package="rich"
    ),
    PeerSource(
        name="gone",
        factory="made_solvers:Gone",
        states="exact",
        varies=True,
        package="no-such-solver",
        imports="no_such_solver",
    ),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    data = tmp_path / "data"
    write_tiny(data, "darp/a2-2.txt")
    write_tiny(data, "darp/a6-2.txt", TINY.replace("480 3 30", "480 3 29"))
    (data / "bks.csv").write_text(BEST.format(best=50.0))
    (tmp_path / "made_solvers.py").write_text(SOLVERS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("ATMR_BENCH_DATA", str(data))
    monkeypatch.setattr(command_line, "SOURCES", MADE)
    return tmp_path


def bench(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_a_run_leaves_a_csv_and_tables_and_names_what_is_absent(folder: Path) -> None:
    out = folder / "docs" / "results"
    result = bench("--set", "a", "--set", "b", "--budget", "1", "--seeds", "2", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "solver gone is not installed (no-such-solver: make setup-bench)" in result.stderr
    assert "set b (Ropke" in result.stderr
    notes, runs = read_results(out.with_suffix(".csv"))
    assert notes[0] == "made by: python -m atmr_engine.bench --set a --set b --budget 1 --seeds 2"
    assert str(folder) not in "".join(notes)
    assert any("gone is not installed" in note for note in notes)
    assert [(run.instance, run.peer, run.seed, run.verdict) for run in runs] == [
        ("a2-2", "good", 0, Verdict.VALID),
        ("a2-2", "bad", 0, Verdict.BREACH),
        ("a2-2", "good", 1, Verdict.VALID),
        ("a6-2", "good", 0, Verdict.VALID),
        ("a6-2", "bad", 0, Verdict.BREACH),
        ("a6-2", "good", 1, Verdict.VALID),
    ]
    document = out.with_suffix(".md").read_text()
    assert "set b (Ropke" in document
    assert "| bad | - (0/1) | 0 | 1 | 0 |" in document


def test_an_earlier_run_is_reported_again_without_running(folder: Path) -> None:
    bench("--set", "a", "--budget", "1", "--seeds", "1", "--out", str(folder / "first"))
    before = (folder / "first.md").read_text()
    result = bench("--from", str(folder / "first.csv"), "--out", str(folder / "second"))
    assert result.exit_code == 0, result.output
    assert (folder / "second.md").read_text() == before
    assert not (folder / "second.csv").exists()


def test_an_interrupted_run_reports_what_it_has(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = progress.run_all

    def interrupted(*arguments: object) -> Iterator[object]:
        yield next(iter(every(*arguments)))  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(progress, "run_all", interrupted)
    result = bench("--set", "a", "--budget", "1", "--seeds", "1", "--out", str(folder / "part"))
    assert result.exit_code == 0, result.output
    assert "interrupted after 1 of 4 searches" in result.stderr
    assert "interrupted after 1 of 4 searches" in (folder / "part.md").read_text()
    assert len(read_results(folder / "part.csv")[1]) == 1


def test_a_dry_run_says_how_long_it_would_take_and_runs_nothing(folder: Path) -> None:
    result = bench("--set", "a", "--dry-run", "--out", str(folder / "none"))
    assert "36 searches, instances: 2; 0:07:12 if limits are kept" in result.stderr
    assert not (folder / "none.csv").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--peer", "nobody"], "there is no solver 'nobody'; there are good, bad, gone"),
        (["--set", "zz"], "there is no set 'zz'"),
        (["--set", "b"], "there is nothing to run"),
        (["--from", "nowhere.csv"], "nowhere.csv: No such file"),
    ],
)
def test_a_wrong_option_is_a_sentence(folder: Path, words: list[str], says: str) -> None:
    result = bench(*words, "--out", str(folder / "none"))
    assert result.exit_code == 2
    assert says in result.stderr.replace("\n", " ")


def test_a_folder_that_is_none_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATMR_BENCH_DATA", str(tmp_path / "nowhere"))
    result = bench()
    assert result.exit_code == 2
    assert "set ATMR_BENCH_DATA" in result.stderr


def test_help_explains() -> None:
    text = " ".join(bench("--help").output.split())
    for words in ("--budget", "--seeds", "--peer", "ATMR_BENCH_DATA", "independent checker"):
        assert words in text
