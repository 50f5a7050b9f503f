"""`atmr settings`: the settings of the services that are installed here, as a page."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

import typer

from atmr_common.runtime.settings_table import document

GROUP = "atmr.settings"


def page() -> str:
    """The page of every installed service; each registers its settings as an entry point."""
    return document({point.name: point.load() for point in entry_points(group=GROUP)})


def command(
    out: Annotated[Path | None, typer.Option(help="Write the page there.")] = None,
) -> None:
    """Print every setting: its type, default, bounds and meaning."""
    if out is None:
        typer.echo(page())
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page(), encoding="utf-8")
