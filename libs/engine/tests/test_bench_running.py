"""The searches in their order, judged one by one."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.bench_runs import APART, write_tiny

from atmr_engine.bench.best_known import BestKnown
from atmr_engine.bench.cases import Case, choose
from atmr_engine.bench.peer_process import Answer, Question
from atmr_engine.bench.peers.peer import PeerSource
from atmr_engine.bench.run import Verdict
from atmr_engine.bench.running import Done, Unreadable, run_all, search_orders
from atmr_engine.bench.sets import chosen_sets

VARYING = PeerSource(name="varying", factory="", states="", varies=True)
FIXED = PeerSource(name="fixed", factory="", states="", varies=False)
BEST = {"a2-2": BestKnown(vehicles=2, distance=50.0)}


def cases_of(folder: Path, *names: str) -> tuple[Case, ...]:
    for name in names:
        write_tiny(folder, name)
    return choose(folder, chosen_sets(["a"]), [], BEST).cases


def test_solvers_take_turns_and_a_fixed_one_has_one_seed(tmp_path: Path) -> None:
    cases = cases_of(tmp_path, "a2-2.txt", "a3-3.txt")
    orders = search_orders(cases, [VARYING, FIXED], [5.0, 1.0], seeds=2)
    first = [(order.budget_s, order.seed, order.source.name) for order in orders[:6]]
    assert first == [
        (1.0, 0, "varying"),
        (1.0, 0, "fixed"),
        (1.0, 1, "varying"),
        (5.0, 0, "varying"),
        (5.0, 0, "fixed"),
        (5.0, 1, "varying"),
    ]
    assert [order.case.name for order in orders] == ["a2-2"] * 6 + ["a3-3"] * 6


@pytest.mark.parametrize(
    ("answer", "verdict", "distance", "message"),
    [
        (Answer(routes=[[1, 3], [2, 4]], seconds=0.5, cpu_s=0.4), Verdict.VALID, APART, ""),
        (Answer(routes=[[1, 3]], seconds=0.5), Verdict.INCOMPLETE, 30.0, ""),
        (Answer(routes=[[1, 2, 4, 3]], seconds=0.5), Verdict.BREACH, None, "ride_time 1: "),
        (Answer(error="it crashed"), Verdict.NO_ANSWER, None, "it crashed"),
    ],
)
def test_an_answer_becomes_a_row(
    tmp_path: Path, answer: Answer, verdict: Verdict, distance: float | None, message: str
) -> None:
    orders = search_orders(cases_of(tmp_path, "a2-2.txt"), [FIXED], [2.0], seeds=3)
    (done,) = run_all(orders, lambda _source, _question: answer)
    assert isinstance(done, Done)
    assert done.routes == answer.routes
    run = done.run
    assert run.verdict is verdict
    assert run.distance == (None if distance is None else pytest.approx(distance, abs=1e-4))
    assert run.message.startswith(message)
    assert (run.seconds, run.cpu_s) == (answer.seconds, answer.cpu_s)
    assert (run.instance, run.requests, run.duties, run.budget_s, run.seed) == ("a2-2", 2, 2, 2, 0)
    assert (run.best_vehicles, run.best_distance, run.part) == (None, 50.0, "tuning")


def test_the_solver_is_asked_with_budget_and_seed(tmp_path: Path) -> None:
    asked: list[tuple[str, Question]] = []

    def ask(source: PeerSource, question: Question) -> Answer:
        asked.append((source.name, question))
        return Answer(routes=[])

    orders = search_orders(cases_of(tmp_path, "a2-2.txt"), [VARYING], [0.5], seeds=2)
    assert [done.run.unserved for done in run_all(orders, ask) if isinstance(done, Done)] == [2, 2]
    assert [(name, q.seconds, q.seed) for name, q in asked] == [
        ("varying", 0.5, 0),
        ("varying", 0.5, 1),
    ]


def test_a_file_that_cannot_be_read_costs_its_own_searches_only(tmp_path: Path) -> None:
    cases = cases_of(tmp_path, "a2-2.txt", "a3-3.txt")
    cases[0].path.write_text("nonsense")
    orders = search_orders(cases, [FIXED], [1.0], seeds=1)
    broken, done = run_all(orders, lambda _source, _question: Answer(routes=[]))
    assert isinstance(broken, Unreadable)
    assert "nonsense" in broken.reason
    assert broken.searches == (orders[0],)
    assert isinstance(done, Done)
