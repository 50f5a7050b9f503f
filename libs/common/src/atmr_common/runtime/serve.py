"""`atmr serve SERVICE`: start one of the installed services in this process."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Annotated

import typer

GROUP = "atmr.services"


def command(
    service: Annotated[str, typer.Argument(help="Which service; a name that is none lists them.")],
) -> None:
    """Start a service and serve until SIGINT or SIGTERM; settings come from the environment."""
    installed = {point.name: point for point in entry_points(group=GROUP)}
    if service not in installed:
        known = ", ".join(sorted(installed)) or "none"
        typer.echo(f"There is no service {service!r} here. Installed: {known}.", err=True)
        raise typer.Exit(2)
    installed[service].load()()
