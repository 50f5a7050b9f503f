"""Which files belong to which set, what is tuning, what is absent, and what is best known."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.bench_runs import TINY, write_tiny

from atmr_engine.bench.best_known import BestKnown, read_best_known
from atmr_engine.bench.cases import choose
from atmr_engine.bench.sets import SETS, Part, chosen_sets, find_files
from atmr_engine.formats.instance_text import InstanceError

BY_NAME = {entry.name: entry for entry in SETS}


@pytest.mark.parametrize(
    ("name", "set_name", "part"),
    [
        ("a2-16", "a", Part.TUNING),
        ("a5-60", "a", Part.TUNING),
        ("a6-48", "a", Part.HELD_OUT),
        ("b2-16", "b", Part.HELD_OUT),
        ("pr05", "pr", Part.TUNING),
        ("pr06", "pr", Part.HELD_OUT),
        ("pr20", "pr", Part.HELD_OUT),
        ("s50-500", "synthetic", Part.HELD_OUT),
        ("lc101", "lilim-100", Part.TUNING),
        ("LR112", "lilim-100", Part.TUNING),
        ("lrc101", "lilim-100", Part.HELD_OUT),
        ("lc201", "lilim-100", Part.HELD_OUT),
        ("LC1_2_1", "lilim-200", Part.HELD_OUT),
        ("lrc2_10_10", "lilim-1000", Part.HELD_OUT),
        ("bar-n100-1", "sartori-100", Part.HELD_OUT),
        ("nyc-n600-5", "sartori-600", Part.HELD_OUT),
    ],
)
def test_an_instance_belongs_to_one_set_by_its_name(
    tmp_path: Path, name: str, set_name: str, part: Part
) -> None:
    write_tiny(tmp_path, f"deep/down/{name}.txt")
    found = [entry for entry in SETS if find_files(tmp_path, entry)]
    assert [entry.name for entry in found] == [set_name]
    assert found[0].part(name) is part


def test_solutions_and_tables_are_no_instances(tmp_path: Path) -> None:
    for name in ("solutions_2003/pr01.txt", "pr01.res", "lc101.10_829.txt", "bks.csv"):
        write_tiny(tmp_path, name)
    assert not any(find_files(tmp_path, entry) for entry in SETS)


def test_files_come_smallest_first_and_once(tmp_path: Path) -> None:
    for name in ("a10-100.txt", "a2-20.txt", "a2-16", "copy/of/a2-16.txt"):
        write_tiny(tmp_path, name)
    found = find_files(tmp_path, BY_NAME["a"])
    assert [path.name for path in found] == ["a2-16", "a2-20.txt", "a10-100.txt"]


def test_sets_are_chosen_by_name_or_beginning() -> None:
    assert [entry.name for entry in chosen_sets(["pr", "a"])] == ["a", "pr"]
    assert {entry.name for entry in chosen_sets(["lilim"])} == {
        f"lilim-{size}" for size in (100, 200, 400, 600, 800, 1000)
    }
    assert chosen_sets([]) == list(SETS)
    with pytest.raises(KeyError, match="lili"):
        chosen_sets(["lili"])


def test_best_values_are_read_from_every_table_and_the_better_one_counts(tmp_path: Path) -> None:
    (tmp_path / "bks.csv").write_text("instance,vehicles,objective_best\nA2-16,2,294.25\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "old_bks_lilim.csv").write_text(
        "instance,set,vehicles,distance\nlc103,x,10,827.86\nlc103,x,9,1035.35\n"
    )
    assert read_best_known(tmp_path) == {
        "a2-16": BestKnown(vehicles=2, distance=294.25),
        "lc103": BestKnown(vehicles=9, distance=1035.35),
    }


@pytest.mark.parametrize(
    "text", ["instance,vehicles\na,2\n", "vehicles,cost\n2,3\n", "instance,vehicles,cost\na,2,x\n"]
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bks.csv").write_text(text)
    with pytest.raises(InstanceError, match=r"bks\.csv.*columns instance, vehicles"):
        read_best_known(tmp_path)


def test_absent_sets_are_named_and_instances_chosen(tmp_path: Path) -> None:
    for name in ("a2-16.txt", "a6-48.txt", "pr01"):
        write_tiny(tmp_path, name)
    best = {"a2-16": BestKnown(vehicles=2, distance=294.25)}
    chosen = choose(tmp_path, chosen_sets(["a", "b", "pr"]), ["A2*", "pr*"], best)
    assert [(case.name, case.set_name) for case in chosen.cases] == [("a2-16", "a"), ("pr01", "pr")]
    assert [case.best for case in chosen.cases] == [best["a2-16"], None]
    assert len(chosen.left_out) == 1
    assert "set b " in chosen.left_out[0]
    assert "absent" in chosen.left_out[0]


def test_a_set_whose_format_does_not_exist_is_named(tmp_path: Path) -> None:
    write_tiny(tmp_path, "a2-2.txt", TINY)
    entry = BY_NAME["a"]
    nowhere = type(entry)(name="a", title="A", names=entry.names, reader="no_such_format:read")
    chosen = choose(tmp_path, [nowhere], [], {})
    assert not chosen.cases
    assert "no_such_format:read does not exist" in chosen.left_out[0]


def test_a_case_reads_its_instance(tmp_path: Path) -> None:
    write_tiny(tmp_path)
    (case,) = choose(tmp_path, [BY_NAME["a"]], [], {}).cases
    assert len(case.read().problem.requests) == 2
