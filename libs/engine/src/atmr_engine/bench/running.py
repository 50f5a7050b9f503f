"""One search after the other, solvers in turn, so that a slow minute of the machine hits all."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from atmr_engine.bench.judging import judge
from atmr_engine.bench.peer_process import Question
from atmr_engine.bench.run import judged
from atmr_engine.formats.instance_text import InstanceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Protocol

    from atmr_engine.bench.cases import Case
    from atmr_engine.bench.judging import Routes
    from atmr_engine.bench.peer_process import Answer
    from atmr_engine.bench.peers.peer import PeerSource
    from atmr_engine.bench.run import Run

    class Asking(Protocol):
        """Puts a question to a solver, in whatever process it runs."""

        def __call__(self, source: PeerSource, question: Question) -> Answer: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOrder:
    """One search that is to be done."""

    case: Case
    source: PeerSource
    budget_s: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One search that was done, and the routes that were judged."""

    run: Run
    routes: Routes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """An instance whose file cannot be read; none of its searches is done."""

    case: Case
    reason: str
    searches: tuple[SearchOrder, ...]


def search_orders(
    cases: Sequence[Case], sources: Sequence[PeerSource], budgets_s: Sequence[float], seeds: int
) -> list[SearchOrder]:
    """All searches; a solver that gives one plan whatever the seed has one for each budget."""
    return [
        SearchOrder(case=case, source=source, budget_s=budget_s, seed=seed)
        for case in cases
        for budget_s in sorted(budgets_s)
        for seed in range(seeds)
        for source in sources
        if source.varies or seed == 0
    ]


def run_all(orders: Iterable[SearchOrder], ask: Asking) -> Iterator[Done | Unreadable]:
    """Do the searches in order, each judged before the next begins."""
    for case, searches in groupby(orders, lambda order: order.case):
        try:
            instance = case.read()
        except InstanceError as error:
            yield Unreadable(case=case, reason=str(error), searches=tuple(searches))
            continue
        for order in searches:
            question = Question(case=case, seconds=order.budget_s, seed=order.seed)
            answer = ask(order.source, question)
            judgement = None if answer.routes is None else judge(instance, answer.routes)
            asked = (order.budget_s, order.seed)
            run = judged(case, instance.problem, order.source, asked, answer, judgement)
            yield Done(run=run, routes=answer.routes)
