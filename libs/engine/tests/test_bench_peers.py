"""Each peer that is installed finds a valid plan of a tiny instance, in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.bench_runs import TINY, write_tiny

from atmr_engine.bench.cases import choose
from atmr_engine.bench.judging import judge
from atmr_engine.bench.peer_process import PeerProcess, Question
from atmr_engine.bench.peers.peer import SOURCES, PeerSource
from atmr_engine.bench.sets import chosen_sets

SHARED_RIDE = TINY.replace("2 6 8 2 2 0 1440", "2 6 8 2 2 0 1440").replace("100 115", "70 480")
LILIM = """\
2 10 1
0 0 0 0 0 480 0 0 0
1 3 4 5 60 75 3 0 2
2 9 12 -5 0 480 3 1 0
3 6 8 5 0 480 3 0 4
4 0 5 -5 100 480 3 3 0
"""
"""One vehicle can do it all; two drive less."""

peers = pytest.mark.parametrize(
    "source",
    [
        pytest.param(
            source,
            id=source.name,
            marks=pytest.mark.skipif(
                not source.installed,
                reason=f"{source.name} is not installed: make setup-bench",
            ),
        )
        for source in SOURCES
    ],
)


@peers
@pytest.mark.parametrize(
    ("name", "set_name", "text", "vehicles"),
    [("a2-2.txt", "a", TINY, None), ("lc101.txt", "lilim-100", LILIM, 1)],
)
def test_a_peer_finds_a_valid_plan(
    tmp_path: Path, source: PeerSource, name: str, set_name: str, text: str, vehicles: int | None
) -> None:
    write_tiny(tmp_path, name, text)
    (case,) = choose(tmp_path, chosen_sets([set_name]), [], {}).cases
    with PeerProcess(source, patience_s=280.0) as process:  # ours may have to be compiled
        answer = process.ask(Question(case=case, seconds=1.0, seed=0))
    assert answer.error == ""
    assert answer.routes is not None
    judgement = judge(case.read(), answer.routes)
    assert judgement.violations == ()
    assert judgement.unserved == 0
    assert vehicles is None or judgement.vehicles == vehicles
    assert answer.seconds is not None
    assert answer.seconds < 10
