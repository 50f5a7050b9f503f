"""The command `atmr-engine`: solve instances and days, check plans, warm the compiler's cache."""

from __future__ import annotations

import json
import math
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console

from atmr_engine.budget import Budget
from atmr_engine.checker import check
from atmr_engine.command_day import DETOUR_FACTOR, SPEED_KMH, FileError, read_csv_subject
from atmr_engine.command_files import BenchmarkSubject, Format, read_stated_plan, read_subject
from atmr_engine.command_output import (
    ProgressLine,
    figures_if_known,
    print_plan,
    print_verdict,
    result_document,
    shown,
    verdict_document,
)
from atmr_engine.formats.instance_text import InstanceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from atmr_engine.command_files import Subject
    from atmr_engine.plan import Plan

app = typer.Typer(
    name="atmr-engine",
    help="Plan dial-a-ride instances and check plans. Days of bookings in CSV are planned here "
    "with straight-line travel, and on roads by [bold]atmr plan[/bold].",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


class CheckFormat(StrEnum):
    """The formats whose plans can be read back."""

    CORDEAU = "cordeau"
    LILIM = "lilim"
    SARTORI = "sartori"
    VROOM = "vroom"


Result = TypeVar("Result")

FORMATS = (
    "cordeau: dial-a-ride (a2-16, pr01); lilim: pickup and delivery with windows; sartori: the "
    "same on real roads; vroom: VROOM's JSON"
)
InstanceArgument = Annotated[Path, typer.Argument(metavar="INSTANCE", help="The instance's file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]


@app.command()
def solve(
    instance: InstanceArgument,
    *,
    format_: Annotated[
        Format, typer.Option("--format", help=f"{FORMATS}; csv: bookings, with --duties.")
    ] = Format.CORDEAU,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="Search this long; 5 where no limit is given.")
    ] = None,
    iterations: Annotated[
        int | None, typer.Option(min=0, help="Search this many iterations: replayable anywhere.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed and iterations, same plan.")] = 0,
    threads: Annotated[
        int,
        typer.Option(
            min=1,
            help="Searches side by side that help each other: a processor each, and memory. They "
            "share --iterations; the plan depends on how many they are.",
        ),
    ] = 1,
    out: Annotated[Path | None, typer.Option(help="Write the plan to this JSON file.")] = None,
    routes: Annotated[
        Path | None, typer.Option(help="Write the routes of a benchmark as published ones are.")
    ] = None,
    duties: Annotated[Path | None, typer.Option(help="csv: the file of duties.")] = None,
    zone: Annotated[str | None, typer.Option(help="csv: time zone, as Europe/Zurich.")] = None,
    date: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="csv: the day to be planned.")
    ] = None,
    speed_kmh: Annotated[
        float | None, typer.Option(help=f"csv: speed of the estimate; {SPEED_KMH:g} if not given.")
    ] = None,
    detour_factor: Annotated[
        float | None,
        typer.Option(help=f"csv: road over straight line; {DETOUR_FACTOR:g} if not given."),
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Plan INSTANCE and print cost (in the instance's units), vehicles and routes.

    The plan was passed by the independent checker. Exit status 2: a file cannot be read.
    """
    day = None if date is None else date.date()
    settings = {"zone": zone, "date": day, "speed_kmh": speed_kmh, "detour_factor": detour_factor}
    subject = _subject(instance, format_, duties, settings)
    if routes is not None and not isinstance(subject, BenchmarkSubject):
        _fail("--routes is for benchmarks; give --out")
    plan = _search(subject, _budget(seconds, iterations), seed, threads)
    document = result_document(subject, plan, check(subject.problem, plan))
    if out is not None:
        _write(out, json.dumps(document, indent=1) + "\n", "--out")
    if routes is not None and isinstance(subject, BenchmarkSubject):
        _write(routes, subject.route_lines(plan), "--routes")
    if json_:
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        print_plan(subject, plan, document)


@app.command("check")
def check_plan(
    instance: InstanceArgument,
    plan: Annotated[
        Path,
        typer.Argument(
            metavar="PLAN", help="The plan to be judged: plan.json, route lines, VROOM's solution."
        ),
    ],
    format_: Annotated[
        CheckFormat, typer.Option("--format", help=f"{FORMATS}.")
    ] = CheckFormat.CORDEAU,
    retime: Annotated[
        bool, typer.Option("--retime", help="vroom: judge the order of stops, with our own times.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Judge PLAN against every rule of INSTANCE, by the times that the plan states.

    Routes without times are accepted where a feasible timetable exists. Exit status 0: valid;
    1: refused, and the violations are listed; 2: a file cannot be read.
    """
    if retime and format_ is not CheckFormat.VROOM:
        _fail("--retime is for vroom; routes without times get their own in any case")
    subject = _read(lambda: read_subject(Format(format_), instance))
    stated = _read(lambda: read_stated_plan(subject, plan, retime=retime))
    violations = check(subject.problem, stated)
    if json_:
        document = verdict_document(violations) | figures_if_known(subject, stated)
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        print_verdict(subject, stated, violations)
    raise typer.Exit(1 if violations else 0)


@app.command()
def warmup(
    *,
    fleet: Annotated[
        bool, typer.Option("--fleet", help="Also what finds plans with the fewest vehicles.")
    ] = False,
) -> None:
    """Compile the engine now, so that the first plan does not wait for it."""
    from atmr_engine.warmup import warmup as compile_all  # noqa: PLC0415 (numba takes a second)

    compile_all(fleet=fleet)
    Console(stderr=True).print("The engine is compiled.")


def main() -> None:
    """Entry point of the console script."""
    app()


def _subject(
    instance: Path, format_: Format, duties: Path | None, settings: dict[str, Any]
) -> Subject:
    """What the files state; `settings` are the options of CSV days, None where not given."""
    given = {name: value for name, value in settings.items() if value is not None}
    if format_ is Format.CSV:
        if duties is None:
            _fail("--format csv needs --duties, the file of duties")
        return _read(lambda: read_csv_subject(instance, duties, **given))
    for name, value in {"duties": duties, **given}.items():
        if value is not None:
            _fail(f"--{name.replace('_', '-')} is for --format csv")
    return _read(lambda: read_subject(format_, instance))


def _budget(seconds: float | None, iterations: int | None) -> Budget:
    if seconds is None and iterations is None:
        seconds = 5.0
    if seconds is not None and not math.isfinite(seconds):
        _fail("--seconds must be a finite number; to search without end, give many --iterations")
    return Budget(seconds=seconds, iterations=iterations)


def _search(subject: Subject, budget: Budget, seed: int, threads: int) -> Plan:
    from atmr_engine.beginning import CommitmentError  # noqa: PLC0415 (as below)
    from atmr_engine.solver import solve as search  # noqa: PLC0415 (numba takes a second to import)
    from atmr_engine.warmup import warmup as compile_all  # noqa: PLC0415 (as above)

    fewest_duties = subject.problem.weights.duties_used > 0.0
    with ProgressLine() as line:
        compile_all(fleet=fewest_duties)  # so that the seconds are spent searching
        try:
            return search(subject.problem, budget, seed, subject.start, line.show, threads)
        except CommitmentError as error:
            _fail(str(error))


def _read(reading: Callable[[], Result]) -> Result:
    try:
        return reading()
    except (InstanceError, FileError) as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    Console(stderr=True, soft_wrap=True).print(f"[red]Error:[/red] {shown(message)}")
    raise typer.Exit(2)


def _write(path: Path, text: str, option: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        _fail(f"{path}: {error.strerror}; give {option} a path that can be written")
