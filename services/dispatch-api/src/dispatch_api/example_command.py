"""`atmr example`: a synthetic day as the two CSV files that `atmr plan` reads."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from atmr_engine.formats.csv_day import SYNTHETIC_PREFIX
from atmr_engine.formats.csv_moments import MomentError, zone_named
from atmr_engine.formats.csv_writing import write_csv
from atmr_engine.formats.day import Point
from atmr_engine.simulate.demand import Demand, generate_day
from atmr_engine.simulate.geography import GENEVA, City

BOOKINGS_FILE = f"{SYNTHETIC_PREFIX}bookings.csv"
DUTIES_FILE = f"{SYNTHETIC_PREFIX}duties.csv"
EXAMPLE_DAY = datetime(2026, 3, 12)  # noqa: DTZ001 (a calendar day; the zone is an option)


def command(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where the files go.")],
    *,
    bookings: Annotated[int, typer.Option(min=0, max=100_000, help="Legs.")] = 120,
    duties: Annotated[int, typer.Option(min=0, max=100_000)] = 12,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    date: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"])] = EXAMPLE_DAY,
    zone: Annotated[str, typer.Option()] = "Europe/Zurich",
    lat: Annotated[float, typer.Option(help="Centre of the city.")] = GENEVA.lat,
    lon: Annotated[float, typer.Option()] = GENEVA.lon,
    radius_km: Annotated[float, typer.Option(help="Of the city.")] = 25.0,
) -> None:
    """Write a synthetic day: the same files for the same options on every machine."""
    try:
        demand = Demand(
            bookings=bookings,
            duties=duties,
            day=date.date(),
            zone=zone_named(zone),
            city=City(centre=Point(lat, lon), radius_km=radius_km),
        )
        files = write_csv(generate_day(demand, seed))
    except MomentError as error:
        raise typer.BadParameter(f"{error}; {error.remedy}", param_hint="--zone") from None
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / BOOKINGS_FILE).write_text(files.bookings, encoding="utf-8", newline="")
        (folder / DUTIES_FILE).write_text(files.duties, encoding="utf-8", newline="")
    except OSError as error:
        raise typer.BadParameter(
            f"{folder} cannot be written ({error.strerror}); choose another folder"
        ) from None
    typer.echo(f"{folder / BOOKINGS_FILE} and {DUTIES_FILE}: synthetic, no real patients. Plan it:")
    typer.echo(
        f"  atmr plan {folder / BOOKINGS_FILE} --vehicles {folder / DUTIES_FILE} --zone {zone}"
    )
