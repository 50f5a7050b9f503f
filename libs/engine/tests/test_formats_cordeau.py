"""Cordeau's files in both dialects, and what is said about malformed ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from atmr_engine.formats.cordeau import read_cordeau
from atmr_engine.formats.instance_text import InstanceError
from atmr_engine.objective import Weights
from atmr_engine.plan import StopKind
from atmr_engine.problem import Capacity, Load, TimeWindow

SHARED = Path(os.environ.get("ATMR_SHARED", Path(__file__).resolve().parents[4] / "shared"))
NODES = """\
0 0 0 0 0 0 480
1 3 4 3 1 60 75
2 6 8 2 2 0 1440
3 9 12 3 -1 0 1440
4 0 5 3 -2 100 115
"""
CLOSING = "5 1 0 0 0 0 480\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "tiny.txt"
    path.write_text(text)
    return path


@pytest.mark.parametrize("header", ["2 2 480 3 30", "2 4 480 3 30"])
@pytest.mark.parametrize("closing", ["", CLOSING])
def test_both_dialects_read_the_same_day(tmp_path: Path, header: str, closing: str) -> None:
    instance = read_cordeau(written(tmp_path, f"{header}\n{NODES}{closing}"))
    problem = instance.problem
    first, second = problem.requests
    assert (first.id, second.id) == ("1", "2")
    assert first.pickup.window == TimeWindow(3600, 4500)
    assert first.pickup.service_s == 180
    assert (first.pickup.place, first.dropoff.place) == (1, 3)
    assert (first.max_ride_s, second.load) == (1800, Load(seats=2))
    assert [duty.id for duty in problem.duties] == ["vehicle 1", "vehicle 2"]
    duty = problem.duties[0]
    assert duty.capacity == Capacity(seats=3)
    assert (duty.shift, duty.max_duration_s) == (TimeWindow(0, 28800), 28800)
    assert (duty.start_place, duty.end_place) == (0, 5 if closing else 0)
    assert problem.travel.distance_km[0, 1] == 5.0
    assert problem.travel.time_s[1, 0] == 300.0
    assert problem.weights == Weights.distance_only()
    assert instance.visits[4] == (StopKind.DROPOFF, "2")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", None, "is empty"),
        ("2 2 480 3\n" + NODES, 1, "4 numbers instead of 5"),
        ("-2 2 480 3 30\n" + NODES, 1, "the number of vehicles is -2"),
        ("2.5 2 480 3 30\n" + NODES, 1, "the number of vehicles is 2.5"),
        ("2 2 480 -3 30\n" + NODES, 1, "the capacity is -3"),
        ("2 2 -480 3 30\n" + NODES, 1, "the maximum route duration is -480"),
        ("2 2 480 3 -30\n" + NODES, 1, "the maximum ride time is -30"),
        ("2 3 480 3 30\n" + NODES, 1, "the header counts 3, and 5 lines"),
        ("2 99999999 480 3 30\n" + NODES, 1, "the number of requests"),
        ("2 2 480 3 30\n" + NODES.replace("3 4 3 1", "3 x 3 1"), 3, "'x' is no number"),
        ("2 2 480 3 30\n" + NODES.replace("3 4 3 1", "3 nan 3 1"), 3, "'nan' is no number"),
        ("2 2 480 3 30\n" + NODES.replace("2 6 8", "7 6 8"), 4, "the node number is 7"),
        ("2 2 480 3 30\n" + NODES.replace("12 3 -1", "12 3 -2"), 5, "node 1 takes 1 on"),
        ("2 2 480 3 30\n" + NODES.replace("60 75", "75 60"), 3, "closes before it opens"),
        ("2 2 480 3 30\n" + NODES.replace("3 1 60", "-3 1 60"), 3, "service duration is -3"),
        ("2 2 480 3 30\n" + NODES + "1" * 10_000_000, 7, "10,000,000 characters"),
        ("1 " * 9_000_000, None, "larger than"),
        ("2 2 480 3 30\n" + "0 0 0 0 0 0 480\n" * 6_000, None, "6,001 lines"),
    ],
)
def test_a_malformed_file_is_refused_with_line_and_remedy(
    tmp_path: Path, text: str, line: int | None, says: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InstanceError) as caught:
        read_cordeau(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert caught.value.line == line
    assert caught.value.remedy
    assert len(str(caught.value)) < 500 + len(str(path))


def test_a_file_that_is_no_text_or_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for path, says in (
        (tmp_path / "binary", "UTF-8"),
        (tmp_path / "missing", "No such file"),
        (tmp_path, "directory"),
    ):
        with pytest.raises(InstanceError, match=says):
            read_cordeau(path)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "vehicles", "requests"),
    [("a2-16.txt", 2, 16), ("a8-96.txt", 8, 96), ("pr10", 10, 144)],
)
def test_published_instances_are_read(name: str, vehicles: int, requests: int) -> None:
    path = SHARED / "data" / "darp" / name
    if not path.exists():
        pytest.skip(f"{name} is absent: set ATMR_SHARED to the folder of the benchmark data")
    problem = read_cordeau(path).problem
    assert (len(problem.duties), len(problem.requests)) == (vehicles, requests)
