"""The command `python -m atmr_engine.bench`: choose, run with a progress bar, report."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from atmr_engine.bench.best_known import read_best_known
from atmr_engine.bench.cases import choose
from atmr_engine.bench.peers.peer import SOURCES
from atmr_engine.bench.progress import run_with_progress
from atmr_engine.bench.provenance import Choice, notes_of
from atmr_engine.bench.results import show_results
from atmr_engine.bench.results_csv import read_results
from atmr_engine.bench.running import search_orders
from atmr_engine.bench.sets import SETS, chosen_sets
from atmr_engine.formats.instance_text import InstanceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atmr_engine.bench.cases import Chosen
    from atmr_engine.bench.peers.peer import PeerSource
    from atmr_engine.bench.run import Run
    from atmr_engine.bench.running import SearchOrder

DEFAULT_BUDGETS_S = (1.0, 5.0, 30.0)
DEFAULT_OUT = Path("docs/benchmarks/results")
SET_NAMES = ", ".join(entry.name for entry in SETS)
PEER_NAMES = ", ".join(source.name for source in SOURCES)

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
screen = Console(width=160)
"""Tables, as wide as they are: a row is better folded by the terminal than cut."""
aside = Console(stderr=True, soft_wrap=True)
"""What is left out, the progress bar, errors."""


SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help=f"A set, repeatable; none: all. {SET_NAMES}; lilim: all sizes."),
]
InstanceOption = Annotated[
    list[str] | None,
    typer.Option(help="Only instances whose names match, repeatable: 'a2*'."),
]
PeerOption = Annotated[
    list[str] | None,
    typer.Option("--peer", help=f"A solver, repeatable; none: all. {PEER_NAMES}."),
]
BudgetOption = Annotated[
    list[float] | None,
    typer.Option("--budget", min=0.01, help="Seconds of a search, repeatable; none: 1, 5, 30."),
]
SeedOption = Annotated[int, typer.Option(min=1, help="Searches with seeds 0 to N - 1.")]
PatienceOption = Annotated[
    float, typer.Option(min=1, help="Seconds beyond its limit after which a search is ended.")
]
OutOption = Annotated[Path, typer.Option(help="Where to: OUT.csv, OUT.md, OUT.svg are written.")]
FromOption = Annotated[
    Path | None, typer.Option("--from", help="Run nothing: report on the CSV of an earlier run.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Only say what would be run, and for how long.")
]


@app.command()
def bench(
    *,
    sets: SetOption = None,
    instances: InstanceOption = None,
    peers: PeerOption = None,
    budgets: BudgetOption = None,
    seeds: SeedOption = 5,
    patience: PatienceOption = 600.0,
    out: OutOption = DEFAULT_OUT,
    from_: FromOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Run our engine and its peers on benchmark sets, one search after the other on one thread.

    Instances are found by name below the folder [bold]ATMR_BENCH_DATA[/bold] (else
    ATMR_SHARED/data, else ../shared/data). Every plan is judged by the independent checker; one
    that breaks a rule is a breach and has no figure. A figure is the mean over the instances of
    the median over the seeds. Instances that the engine was tuned on are reported apart.

    Peers are installed by [bold]make setup-bench[/bold]; one that is missing is named.
    An interrupted run (Ctrl-C) reports on what it has.
    """
    if from_ is not None:
        notes, runs = _read_or_fail(from_)
        show_results(notes, runs, out, screen, aside)
        return
    choice = Choice(
        sets=tuple(sets or ()),
        instances=tuple(instances or ()),
        peers=tuple(peers or ()),
        budgets_s=tuple(budgets or DEFAULT_BUDGETS_S),
        seeds=seeds,
    )
    sources, missing = _sources(choice.peers)
    chosen = _chosen(choice)
    orders = search_orders(chosen.cases, sources, choice.budgets_s, seeds)
    left_out = [*missing, *chosen.left_out]
    _announce(orders, left_out)
    if dry_run:
        return
    if not orders:
        _fail("there is nothing to run")
    notes = notes_of(choice, sources, left_out)
    runs, ends = run_with_progress(orders, notes, patience, out, aside)
    show_results([*notes, *ends], runs, out, screen, aside)


def main() -> None:
    """Entry point."""
    app(prog_name="python -m atmr_engine.bench")


def _fail(message: str) -> NoReturn:
    aside.print(f"[red]Error:[/red] {escape(message)}")
    raise typer.Exit(2)


def _sources(names: Sequence[str]) -> tuple[list[PeerSource], list[str]]:
    """The solvers that are installed, and a sentence for each that is not."""
    strangers = set(names) - {source.name for source in SOURCES}
    if strangers:
        there = ", ".join(source.name for source in SOURCES)
        _fail(f"there is no solver {min(strangers)!r}; there are {there}")
    wanted = [source for source in SOURCES if not names or source.name in names]
    missing = [
        f"solver {source.name} is not installed ({source.package}: make setup-bench)"
        for source in wanted
        if not source.installed
    ]
    return [source for source in wanted if source.installed], missing


def _chosen(choice: Choice) -> Chosen:
    shared = os.environ.get("ATMR_SHARED", "../shared")
    folder = Path(os.environ.get("ATMR_BENCH_DATA", f"{shared}/data"))
    if not folder.is_dir():
        _fail(f"{folder} is no folder; set ATMR_BENCH_DATA to the folder of the instances")
    try:
        return choose(folder, chosen_sets(choice.sets), choice.instances, read_best_known(folder))
    except KeyError as error:
        _fail(f"there is no set {error}; there are {SET_NAMES}")
    except InstanceError as error:
        _fail(str(error))


def _announce(orders: Sequence[SearchOrder], left_out: Sequence[str]) -> None:
    for sentence in left_out:
        aside.print(f"[yellow]Left out:[/yellow] {escape(sentence)}")
    instances = len({order.case.path for order in orders})
    longest = timedelta(seconds=round(sum(order.budget_s for order in orders)))
    aside.print(f"{len(orders):,} searches, instances: {instances}; {longest} if limits are kept")


def _read_or_fail(path: Path) -> tuple[list[str], list[Run]]:
    try:
        return read_results(path)
    except InstanceError as error:
        _fail(str(error))
