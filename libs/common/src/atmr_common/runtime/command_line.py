"""The command `atmr`: its subcommands are entry points that each distribution registers.

So a trainer image has `atmr train` without standalone. A command is imported when it is called,
not when `atmr` starts.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points, version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from atmr_common.observability.logs import configure_logs

GROUP = "atmr.commands"


class InstalledCommands(TyperGroup):
    """A group whose commands are the entry points of the installed distributions."""

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return sorted(point.name for point in entry_points(group=GROUP))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        del ctx
        for point in entry_points(group=GROUP, name=cmd_name):
            return _as_command(point)
        return None


def _as_command(point: EntryPoint) -> Any:
    target = point.load()
    if not isinstance(target, typer.Typer):
        single = typer.Typer(add_completion=False)
        single.command(name=point.name)(target)
        target = single
    command = typer.main.get_command(target)
    command.name = point.name
    return command


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"atmr {version('atmr-common')}")
        raise typer.Exit


app = typer.Typer(cls=InstalledCommands, no_args_is_help=True, add_completion=False)


@app.callback()
def root(
    *,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="And exit.")
    ] = False,
) -> None:
    """Patient-transport dispatch: plan a day, run the services, import and inspect data."""
    del show_version


def main() -> None:
    """Entry point of `atmr`; what a command logs goes to stderr, redacted like a service's."""
    configure_logs("WARNING", "text")
    app(prog_name="atmr")
