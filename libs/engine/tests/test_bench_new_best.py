"""Plans better than the best known, and the files that prove them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.bench_runs import APART, made_run, refused_run, write_tiny

from atmr_engine.bench.new_best import NewBests, is_new_best
from atmr_engine.bench.running import Done
from atmr_engine.checker import check
from atmr_engine.formats.cordeau import read_cordeau
from atmr_engine.formats.plan_json import read_plan
from atmr_engine.objective import evaluate

COUNTED = {"vehicles_first": True, "best_vehicles": 9}


@pytest.mark.parametrize(
    ("changes", "is_new"),
    [
        ({"distance": 99.99}, True),
        ({"distance": 99.996}, False),
        ({"distance": 100.0}, False),
        ({"distance": 99.0, "best_distance": None}, False),
        ({"distance": 120.0, "vehicles": 8, **COUNTED}, True),
        ({"distance": 99.0, "vehicles": 9, **COUNTED}, True),
        ({"distance": 50.0, "vehicles": 10, **COUNTED}, False),
    ],
)
def test_vehicles_count_before_distance_where_they_come_first(
    changes: dict[str, object], *, is_new: bool
) -> None:
    assert is_new_best(made_run(**changes)) is is_new


def test_a_plan_that_breaks_a_rule_is_never_a_new_best() -> None:
    assert not is_new_best(refused_run(distance=1.0))


def test_the_best_of_them_is_written_so_that_it_can_be_checked(tmp_path: Path) -> None:
    bests = NewBests(tmp_path / "results")
    worse = made_run(distance=60.0, seed=1)
    best = made_run(distance=APART, seed=2)
    for run, routes in ((worse, [[9]]), (best, [[1, 3], [2, 4]]), (worse, [[9]])):
        bests.note(Done(run=run, routes=routes))
    (sentence,) = bests.sentences()
    assert "new best: a2-2, 2 vehicles, 51.71 (best known 100.00) by ours, seed 2" in sentence
    instance = read_cordeau(write_tiny(tmp_path))
    plan = read_plan(instance, tmp_path / "results-a2-2.json")
    assert check(instance.problem, plan) == []
    assert evaluate(instance.problem, plan).distance_km == pytest.approx(APART, abs=1e-4)


def test_without_a_new_best_nothing_is_written(tmp_path: Path) -> None:
    bests = NewBests(tmp_path / "results")
    bests.note(Done(run=made_run(), routes=[[1, 3], [2, 4]]))
    assert bests.sentences() == []
    assert list(tmp_path.iterdir()) == []
