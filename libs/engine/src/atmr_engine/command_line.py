"""The command `atmr-engine`: solve and check benchmark instances, and warm the compiler's cache."""

from __future__ import annotations

import json
import math
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Self, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from atmr_engine.budget import Budget
from atmr_engine.checker import check
from atmr_engine.formats.cordeau import read_cordeau
from atmr_engine.formats.instance_text import InstanceError
from atmr_engine.formats.lilim import read_lilim
from atmr_engine.formats.plan_json import plan_document, read_plan
from atmr_engine.objective import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable

    from atmr_engine.formats.benchmark import Instance
    from atmr_engine.plan import Plan
    from atmr_engine.rules import Violation
    from atmr_engine.solver import Progress

app = typer.Typer(
    name="atmr-engine",
    help="Plan dial-a-ride benchmarks and check plans. Days of bookings in CSV need travel times "
    "and are planned by [bold]atmr plan[/bold].",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


class Format(StrEnum):
    """What kind of file an instance is."""

    CORDEAU = "cordeau"
    LILIM = "lilim"


READERS: dict[Format, Callable[[Path], Instance]] = {
    Format.CORDEAU: read_cordeau,
    Format.LILIM: read_lilim,
}
MOST_VIOLATIONS = 20
Result = TypeVar("Result")

InstanceArgument = Annotated[Path, typer.Argument(metavar="INSTANCE", help="The instance's file.")]
FormatOption = Annotated[
    Format,
    typer.Option(
        "--format",
        help="cordeau: dial-a-ride (a2-16, pr01); lilim: pickup and delivery with windows.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]


@app.command()
def solve(
    instance: InstanceArgument,
    format_: FormatOption = Format.CORDEAU,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="Search this long; 5 where no limit is given.")
    ] = None,
    iterations: Annotated[
        int | None, typer.Option(min=0, help="Search this many iterations: replayable anywhere.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed and iterations, same plan.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write the plan to this JSON file.")] = None,
    json_: JsonOption = False,
) -> None:
    """Plan INSTANCE and print cost (distance in the instance's units), vehicles and routes.

    The plan was passed by the independent checker. Exit status 2: the file cannot be read.
    """
    from atmr_engine.solver import solve as search  # noqa: PLC0415 (numba takes a second to import)
    from atmr_engine.warmup import warmup as compile_all  # noqa: PLC0415 (as above)

    read = _read(lambda: READERS[format_](instance))
    if seconds is None and iterations is None:
        seconds = 5.0
    if seconds is not None and not math.isfinite(seconds):
        _fail("--seconds must be a finite number; to search without end, give many --iterations")
    budget = Budget(seconds=seconds, iterations=iterations)
    with _ProgressLine() as line:
        compile_all()  # so that the seconds are spent searching
        plan = search(read.problem, budget, seed, progress=line.show)
    document = _result(read, plan, check(read.problem, plan))
    if out is not None:
        _write(out, document)
    if json_:
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        _print_plan(read, document)


@app.command("check")
def check_plan(
    instance: InstanceArgument,
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="The plan.json to be judged.")],
    format_: FormatOption = Format.CORDEAU,
    json_: JsonOption = False,
) -> None:
    """Judge PLAN against every rule of INSTANCE, by the times that the plan states.

    Routes without times are accepted where a feasible timetable exists. Exit status 0: valid;
    1: refused, and the violations are listed; 2: a file cannot be read.
    """
    read = _read(lambda: READERS[format_](instance))
    stated = _read(lambda: read_plan(read, plan))
    violations = check(read.problem, stated)
    if json_:
        document = _verdict(violations) | _figures_if_known(read, stated)
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        _print_verdict(read, stated, violations)
    raise typer.Exit(1 if violations else 0)


@app.command()
def warmup() -> None:
    """Compile the engine now, so that the first plan does not wait for it."""
    from atmr_engine.warmup import warmup as compile_all  # noqa: PLC0415 (as above)

    compile_all()
    Console(stderr=True).print("The engine is compiled.")


def main() -> None:
    """Entry point of the console script."""
    app()


def _read(reading: Callable[[], Result]) -> Result:
    try:
        return reading()
    except InstanceError as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    Console(stderr=True, soft_wrap=True).print(f"[red]Error:[/red] {escape(message)}")
    raise typer.Exit(2)


def _write(path: Path, document: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        _fail(f"{path}: {error.strerror}; give --out a path that can be written")


def _figures(instance: Instance, plan: Plan) -> dict[str, Any]:
    """What a benchmark compares: distance in the instance's units, vehicles, who is left out."""
    cost = evaluate(instance.problem, plan)
    return {
        "cost": cost.distance_km,
        "vehicles": cost.duties_used,
        "unserved": cost.unserved,
    }


def _figures_if_known(instance: Instance, plan: Plan) -> dict[str, Any]:
    """The figures, unless the plan uses vehicles that the instance does not have."""
    known = instance.problem.duty_index
    return _figures(instance, plan) if all(route.duty in known for route in plan.routes) else {}


def _result(instance: Instance, plan: Plan, violations: list[Violation]) -> dict[str, Any]:
    return {
        "instance": instance.name,
        **_figures(instance, plan),
        "valid": not violations,
        "iterations": plan.iterations,
        "seconds": plan.seconds,
        **plan_document(instance, plan),
    }


def _verdict(violations: list[Violation]) -> dict[str, Any]:
    return {
        "valid": not violations,
        "violations": [
            {
                "rule": violation.rule,
                "subject": violation.subject,
                "duty": violation.duty,
                "excess": violation.excess,
                "message": violation.message,
            }
            for violation in violations
        ],
    }


def _print_plan(instance: Instance, document: dict[str, Any]) -> None:
    console = Console(soft_wrap=True)
    table = Table("vehicle", "nodes in order", title=f"{instance.name}", title_justify="left")
    for number, route in enumerate(document["routes"], start=1):
        table.add_row(str(number), " ".join(map(str, route["nodes"])))
    console.print(table)
    console.print(
        f"cost {document['cost']:.2f}, {document['vehicles']} vehicles, "
        f"{document['unserved']} unserved, {document['iterations']} iterations "
        f"in {document['seconds']:.1f} s, valid"
    )
    if document["unserved_nodes"]:
        console.print("unserved pickups: " + " ".join(map(str, document["unserved_nodes"])))


def _print_verdict(instance: Instance, plan: Plan, violations: list[Violation]) -> None:
    console = Console(soft_wrap=True)
    figures = _figures_if_known(instance, plan)
    if figures:
        console.print(
            f"cost {figures['cost']:.2f}, {figures['vehicles']} vehicles, "
            f"{figures['unserved']} unserved"
        )
    if not violations:
        console.print("[green]valid[/green]")
        return
    console.print(f"[red]refused[/red]: {len(violations)} violations")
    for violation in violations[:MOST_VIOLATIONS]:
        where = f" on {violation.duty}" if violation.duty else ""
        line = f"{violation.rule}: {violation.subject}{where}: {violation.message}"
        console.print(f"  {escape(line)}")
    if len(violations) > MOST_VIOLATIONS:
        console.print(f"  and {len(violations) - MOST_VIOLATIONS} more (all with --json)")


class _ProgressLine:
    """One line on stderr that is written over, where stderr is a terminal."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._status = self._console.status("loading the engine ...")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def show(self, progress: Progress) -> None:
        """Say how far the search is."""
        self._status.update(
            f"{progress.seconds:.1f} s, {progress.iterations} iterations, best {progress.cost:.2f}"
        )
