"""A long run with a bar: every result on the disk at once, and an interrupt that keeps them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from atmr_engine.bench.new_best import NewBests
from atmr_engine.bench.peer_process import PeerProcess
from atmr_engine.bench.results import named
from atmr_engine.bench.results_csv import ResultsFile
from atmr_engine.bench.running import Unreadable, run_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from atmr_engine.bench.peer_process import Answer, Question
    from atmr_engine.bench.peers.peer import PeerSource
    from atmr_engine.bench.run import Run
    from atmr_engine.bench.running import SearchOrder


class PeerProcesses:
    """A process for each solver that is asked, ended with the stack that holds them."""

    def __init__(self, stack: ExitStack, patience_s: float) -> None:
        self._stack = stack
        self._patience_s = patience_s
        self._processes: dict[str, PeerProcess] = {}

    def __call__(self, source: PeerSource, question: Question) -> Answer:
        """Ask a solver."""
        if source.name not in self._processes:
            process = PeerProcess(source, self._patience_s)
            self._processes[source.name] = self._stack.enter_context(process)
        return self._processes[source.name].ask(question)


def run_with_progress(
    orders: Sequence[SearchOrder],
    notes: Sequence[str],
    patience_s: float,
    out: Path,
    aside: Console,
) -> tuple[list[Run], list[str]]:
    """Do all searches, writing `out`.csv; the runs, and sentences on what is worth knowing.

    An interrupt ends it with the runs until then.
    """
    runs: list[Run] = []
    ends: list[str] = []
    out.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        file = stack.enter_context(named(out, ".csv").open("w", encoding="utf-8"))
        results = ResultsFile(file, notes)
        ask = PeerProcesses(stack, patience_s)
        bests = NewBests(out)
        progress = stack.enter_context(_progress(aside))
        task = progress.add_task("compiling and loading", total=_seconds(orders))
        try:
            for done in run_all(orders, ask):
                if isinstance(done, Unreadable):
                    ends.append(f"left out: {done.case.name} cannot be read ({done.reason})")
                    progress.advance(task, _seconds(done.searches))
                    continue
                runs.append(done.run)
                results.add(done.run)
                bests.note(done)
                said = _described(done.run)
                progress.update(task, advance=done.run.budget_s, description=said)
        except KeyboardInterrupt:
            ends.append(f"interrupted after {len(runs)} of {len(orders)} searches")
    ends += bests.sentences()
    for sentence in ends:
        aside.print(f"[yellow]Note:[/yellow] {escape(sentence)}")
    return runs, ends


def _progress(aside: Console) -> Progress:
    """A bar in seconds of search, so that what is left is told in time and not in searches."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %, left"),
        TimeRemainingColumn(),
        console=aside,
        speed_estimate_period=3600.0,
    )


def _seconds(orders: Sequence[SearchOrder]) -> float:
    return sum(order.budget_s for order in orders)


def _described(run: Run) -> str:
    distance = "" if run.distance is None else f" {run.distance:,.2f}"
    return (
        f"{run.instance}, {run.peer}, {run.budget_s:g} s, seed {run.seed}: {run.verdict}{distance}"
    )
