"""`atmr places`: builds an address index from an extract, and searches one by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from dispatch_api.geocoding.errors import GeocodingError
from dispatch_api.geocoding.index_building import build_index
from dispatch_api.geocoding.offline_index import MAX_HITS, OfflineGeocoder
from dispatch_api.geocoding.port import GeocodeHit

app = typer.Typer(
    name="places",
    help="Addresses without a network: build an index, search it.",
    no_args_is_help=True,
)

INDEX = Path("places.sqlite")


@app.command()
def build(
    extract: Annotated[
        Path, typer.Argument(help="OSM extract (.osm.pbf) or swisstopo's address directory (.csv).")
    ],
    out: Annotated[Path, typer.Option("--out", help="The index file to write.")] = INDEX,
) -> None:
    """Builds the address index of an extract."""
    with _errors_explained(), _progress_bar() as bar:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        facts = build_index(extract, out, built_at=datetime.now(UTC), progress=show)
    typer.echo(
        f"{out}: {facts.houses} houses on {facts.streets} streets, {facts.places} points of care"
        f" from {facts.extract} ({facts.attribution})"
    )


@app.command()
def search(
    text: Annotated[str, typer.Argument(help="An address or the name of a point of care.")],
    index: Annotated[Path, typer.Option("--index", help="The index file to search.")] = INDEX,
    limit: Annotated[int, typer.Option(min=1, max=MAX_HITS, help="Most hits to show.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: a list of hits.")] = False,
) -> None:
    """Searches an address, misspelt or not."""
    with _errors_explained():
        geocoder = OfflineGeocoder(index)
        try:
            hits = geocoder.search(text, limit=limit)
        finally:
            geocoder.close()
    if as_json:
        typer.echo(json.dumps([asdict(hit) for hit in hits], ensure_ascii=False))
    elif hits:
        _print_table(hits, geocoder.facts.attribution)
    else:
        typer.echo(f"nothing in {index} is like {text!r}; does its extract cover that town?")


@contextmanager
def _errors_explained() -> Iterator[None]:
    """An error a person can repair is one sentence and exit code 1, not a traceback."""
    try:
        yield
    except GeocodingError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


def _progress_bar() -> Progress:
    columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    hidden = not console.is_terminal
    return Progress(*columns, TimeElapsedColumn(), console=console, transient=True, disable=hidden)


def _print_table(hits: list[GeocodeHit], attribution: str) -> None:
    table = Table(caption=attribution)
    for heading in ("address", "precision", "likeness", "lat", "lon"):
        table.add_column(heading, overflow="fold")
    for hit in hits:
        point = (f"{hit.lat:.6f}", f"{hit.lon:.6f}")
        table.add_row(hit.label, hit.precision.value, f"{hit.score:.2f}", *point)
    Console().print(table)
