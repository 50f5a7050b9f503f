"""Li and Lim's files, and what is said about malformed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from atmr_engine.formats.instance_text import InstanceError
from atmr_engine.formats.lilim import read_lilim
from atmr_engine.objective import Weights
from atmr_engine.plan import StopKind
from atmr_engine.problem import Capacity, Load, TimeWindow

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
2\t30\t1
0\t0\t0\t0\t0\t100\t0\t0\t0
1\t3\t4\t-10\t20\t50\t9\t3\t0
2\t0\t1\t5\t0\t90\t9\t0\t4
3\t6\t8\t10\t10\t40\t9\t0\t1
4\t0\t2\t-5\t0\t90\t9\t2\t0
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "tiny.txt"
    path.write_text(text)
    return path


def test_pairs_are_found_wherever_they_stand(tmp_path: Path) -> None:
    instance = read_lilim(written(tmp_path, TEXT))
    problem = instance.problem
    assert [request.id for request in problem.requests] == ["2", "3"]
    later = problem.requests[1]
    assert (later.pickup.place, later.dropoff.place) == (3, 1)
    assert later.dropoff.window == TimeWindow(1200, 3000)
    assert (later.load, later.pickup.service_s) == (Load(seats=10), 540)
    assert later.max_ride_s == float("inf")
    assert problem.duties[1].capacity == Capacity(seats=30)
    assert problem.duties[1].shift == TimeWindow(0, 6000)
    assert problem.weights == Weights.vehicles_first()
    assert instance.visits[1] == (StopKind.DROPOFF, "3")
    assert instance.nodes[StopKind.PICKUP, "3"] == 3


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("2 30\n", 1, "2 numbers instead of 3"),
        ("2 30 1\n", 1, "no node follows"),
        (TEXT.replace("2\t30", "-2\t30"), 1, "the number of vehicles is -2"),
        (TEXT.replace("20\t50", "50\t20"), 3, "closes before it opens"),
        (TEXT.replace("9\t3\t0", "9\t2\t0"), 3, "names node 2, which does not name node 1"),
        (TEXT.replace("9\t3\t0", "9\t0\t0"), 3, "neither a pickup nor a delivery"),
        (TEXT.replace("9\t3\t0", "9\t7\t0"), 3, "the pickup node is 7"),
        (TEXT.replace("-10", "-9"), 3, "its pickup takes 10 on"),
        (TEXT.replace("4\t0\t2", "5\t0\t2"), 6, "the node number is 5"),
        (TEXT.replace("9\t0\t4", "-9\t0\t4"), 4, "service duration is -9"),
    ],
)
def test_a_malformed_file_is_refused_with_line_and_remedy(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    with pytest.raises(InstanceError) as caught:
        read_lilim(written(tmp_path, text))
    assert says in str(caught.value)
    assert caught.value.line == line
