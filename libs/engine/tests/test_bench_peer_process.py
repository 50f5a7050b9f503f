"""A solver in its own process: its answers, its errors, its crashes, its endless searches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bench_runs import write_tiny

from atmr_engine.bench.cases import Case, choose
from atmr_engine.bench.peer_process import ONE_THREAD, PeerProcess, Question
from atmr_engine.bench.peers.peer import PeerSource
from atmr_engine.bench.sets import chosen_sets

SOLVER = """
import os, sys, time
from atmr_engine.bench.peers.peer import Found

class Solver:
    def state(self, instance):
        assert len(instance.problem.requests) == 2
        return self.search

    def search(self, seconds, seed):
        print("noise that nobody wants to see")
        if seed == 1:
            raise ValueError("no idea")
        if seed == 2:
            os._exit(7)
        if seed == 3:
            time.sleep(60)
        threads = int(os.environ["OMP_NUM_THREADS"])
        return Found(routes=[[1, 3], [2, 4]], first_full_plan_s=float(threads))
"""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PeerSource:
    (tmp_path / "made_solver.py").write_text(SOLVER)
    monkeypatch.syspath_prepend(str(tmp_path))  # processes that are spawned inherit it
    return PeerSource(name="made", factory="made_solver:Solver", states="exact", varies=True)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    write_tiny(tmp_path)
    return choose(tmp_path, chosen_sets(["a"]), [], {}).cases[0]


@pytest.fixture
def process(source: PeerSource) -> Iterator[PeerProcess]:
    with PeerProcess(source, patience_s=30.0) as started:
        yield started


def test_an_answer_has_routes_and_times_and_one_thread(process: PeerProcess, case: Case) -> None:
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    answer = process.ask(Question(case=case, seconds=1.0, seed=0))
    assert answer.error == ""
    assert answer.routes == [[1, 3], [2, 4]]
    assert answer.first_full_plan_s == 1.0
    assert answer.seconds is not None
    assert answer.cpu_s is not None
    assert 0 <= answer.seconds < 1
    assert {name: os.environ.get(name) for name in ONE_THREAD} == before


def test_an_error_is_an_answer_and_the_process_goes_on(process: PeerProcess, case: Case) -> None:
    failed = process.ask(Question(case=case, seconds=1.0, seed=1))
    assert (failed.routes, failed.error) == (None, "ValueError: no idea")
    assert process.ask(Question(case=case, seconds=1.0, seed=0)).routes


def test_after_a_crash_there_is_a_new_process(process: PeerProcess, case: Case) -> None:
    crashed = process.ask(Question(case=case, seconds=1.0, seed=2))
    assert crashed.routes is None
    assert "ended by itself (exit status 7)" in crashed.error
    assert process.ask(Question(case=case, seconds=1.0, seed=0)).routes


def test_an_endless_search_is_ended(source: PeerSource, case: Case) -> None:
    with PeerProcess(source, patience_s=30.0) as process:
        assert process.ask(Question(case=case, seconds=1.0, seed=0)).routes
        process._patience_s = 0.2
        endless = process.ask(Question(case=case, seconds=0.1, seed=3))
        assert "ended after 0.3 s" in endless.error


def test_a_solver_that_cannot_be_loaded_is_an_error(case: Case) -> None:
    broken = PeerSource(name="made", factory="no_such_module:X", states="", varies=True)
    with PeerProcess(broken, patience_s=30.0) as process:
        answer = process.ask(Question(case=case, seconds=1.0, seed=0))
    assert "ModuleNotFoundError" in answer.error
