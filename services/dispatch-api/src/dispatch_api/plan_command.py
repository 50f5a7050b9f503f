"""`atmr plan`: two CSV files to a day's plan, without any server."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from prometheus_client import CollectorRegistry
from pydantic import ValidationError
from rich.console import Console

from atmr_common.cache.memory import MemoryCache
from atmr_common.travel.build import build_travel
from atmr_common.travel.settings import OsrmSettings, TravelSettings
from atmr_engine.budget import Budget
from atmr_engine.formats.csv_day import DayReading, RowError, read_day
from atmr_engine.warmup import warmup
from dispatch_api.csv_planning.locating import Location, locate
from dispatch_api.csv_planning.planning import PlannedDay, plan_day
from dispatch_api.csv_planning.report import print_day, shown
from dispatch_api.geocoding.errors import GeocodingError
from dispatch_api.geocoding.offline_index import OfflineGeocoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from atmr_engine.formats.day import Day
    from atmr_engine.solver import Progress

DEFAULT_SECONDS = 5.0
INPUT_ERRORS = 1
MOST_BYTES = 11_000_000
"""A little over the reader's own limit, which then names the file that is too large."""


def command(
    bookings: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="Bookings CSV.")
    ],
    vehicles: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, readable=True, help="Duties CSV.")
    ],
    *,
    zone: Annotated[str | None, typer.Option(help="Of local times, e.g. Europe/Zurich.")] = None,
    date: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day; else that of most bookings."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="Search for so long (5, unless --iterations).")
    ] = None,
    iterations: Annotated[
        int | None, typer.Option(min=0, help="Search so many steps: the same plan anywhere.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the search's random numbers.")] = 0,
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="Write the plan here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
    skip_bad_rows: Annotated[bool, typer.Option(help="Plan the rows without errors.")] = False,
    places: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="From `atmr places build`.")
    ] = None,
    osrm: Annotated[str | None, typer.Option(help="URL of an OSRM server.")] = None,
) -> None:
    """Plan a day of transports from two CSV files, and print routes, key figures and reasons."""
    notes = Console(stderr=True, markup=False, highlight=False)
    travel = _travel_settings(osrm)
    if out is not None and not out.parent.is_dir():
        _refuse_out(out, "its folder does not exist")
    reading = read_day(
        _bytes(bookings),
        _bytes(vehicles),
        zone=zone,
        date=None if date is None else date.date(),
        files=(bookings.name, vehicles.name),
    )
    location = _located(reading, places)
    errors = (*reading.errors, *(location.errors if location else ()))
    _print_errors(notes, errors, reading.unlisted_errors)
    if location is None or (errors and not skip_bad_rows):
        remedy = "correct the rows above, or plan the others with --skip-bad-rows"
        notes.print(f"Nothing was planned: {remedy}.", style="bold")
        raise typer.Exit(INPUT_ERRORS)
    limit = DEFAULT_SECONDS if seconds is None and iterations is None else seconds
    budget = Budget(seconds=limit, iterations=iterations)
    planned = _plan(location.day, travel, budget, seed, notes)
    warnings = (*reading.warnings, *location.warnings)
    skipped = [str(error) for error in errors]
    answer = {**planned.as_json(), "seed": seed, "warnings": list(warnings), "skipped": skipped}
    text = json.dumps(answer, ensure_ascii=False, indent=1, allow_nan=False)
    if out is not None:
        _write(out, text)
    if as_json:
        typer.echo(text)
    else:
        print_day(Console(markup=False, highlight=False), planned, warnings)


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_BYTES)


def _travel_settings(osrm: str | None) -> TravelSettings:
    if osrm is None:
        return TravelSettings()
    try:
        return TravelSettings(osrm=OsrmSettings.model_validate({"url": osrm}))
    except ValidationError as error:
        message = f"{osrm!r} is no URL ({error.errors()[0]['msg']}); write http://host:5000"
        raise typer.BadParameter(message, param_hint="--osrm") from None


def _located(reading: DayReading, places: Path | None) -> Location | None:
    """The day with points for its addresses; None where the files make no day."""
    if reading.day is None:
        return None
    if places is None:
        return locate(reading, reading.day, None)
    try:
        with closing(OfflineGeocoder(places)) as geocoder:
            return locate(reading, reading.day, geocoder)
    except GeocodingError as error:
        raise typer.BadParameter(str(error), param_hint="--places") from None


def _print_errors(notes: Console, errors: tuple[RowError, ...], unlisted: int) -> None:
    for error in errors:
        notes.print(shown(str(error)), style="red", soft_wrap=True)
    if unlisted:
        notes.print(f"... and {unlisted} more errors", style="red")


def _plan(
    day: Day, settings: TravelSettings, budget: Budget, seed: int, notes: Console
) -> PlannedDay:
    async def planned(progress: Callable[[Progress], None] | None) -> PlannedDay:
        travel = build_travel(settings, cache=MemoryCache(), registry=CollectorRegistry())
        try:
            return await plan_day(day, travel, budget=budget, seed=seed, progress=progress)
        finally:
            await travel.aclose()

    if not notes.is_terminal:
        warmup()
        return asyncio.run(planned(None))
    with notes.status("Loading the optimiser (compiling it takes a while the first time) ..."):
        warmup()
    with notes.status("Planning ...") as status:
        return asyncio.run(
            planned(lambda so_far: status.update(f"Planning ... cost {so_far.cost:.0f}"))
        )


def _write(out: Path, text: str) -> None:
    try:
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        _refuse_out(out, str(error.strerror))


def _refuse_out(out: Path, reason: str) -> NoReturn:
    message = f"{out} cannot be written ({reason}); choose another folder"
    raise typer.BadParameter(message, param_hint="--out") from None
