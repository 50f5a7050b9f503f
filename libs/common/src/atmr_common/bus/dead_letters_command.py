"""`atmr dead-letters`: what could not be received, and its way back.

A value is shown only when asked for: events carry ids, but a foreign message may carry anything.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from atmr_common.bus.cluster_option import Bootstrap, answered, cluster
from atmr_common.bus.dead_letters import Letter, dead_letters, replay_publisher
from atmr_common.bus.settings import KafkaSettings

Topic = Annotated[str, typer.Argument(help="The topic whose dead letters are meant.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
WIDTH = 200

command = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Messages that no receiver could take."
)


@command.command("list")
def list_letters(
    topic: Topic,
    bootstrap: Bootstrap = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many, oldest first.")] = 100,
    show_all: Annotated[bool, typer.Option("--all", help="Also those replayed already.")] = False,
    show_value: Annotated[bool, typer.Option(help="Also print what the messages hold.")] = False,
    as_json: Json = False,
) -> None:
    """Show key, event, error and time of the dead letters of TOPIC."""
    settings = cluster(bootstrap)
    letters = answered(settings, _stored(settings, topic, show_all))
    rows = [_row(letter, show_value) for letter in letters[:limit]]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    if not rows:
        typer.echo(f"No dead letters of {topic} wait.")
        return
    _print(rows)
    if len(letters) > limit:
        typer.echo(f"... and {len(letters) - limit} more: raise --limit.", err=True)


@command.command("replay")
def replay(
    topic: Topic,
    bootstrap: Bootstrap = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, oldest first.")] = None,
    event_id: Annotated[
        list[str] | None, typer.Option("--id", help="Only this event (repeatable), even again.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Publish the dead letters of TOPIC there again, in order, each once."""
    if event_id and limit is not None:
        typer.echo("--id names the events: leave out --limit.", err=True)
        raise typer.Exit(2)
    settings = cluster(bootstrap)
    wanted = set(event_id or ())
    if wanted:
        sent = answered(settings, _replay_events(settings, topic, wanted))
    else:
        sent = answered(settings, _replay(settings, topic, limit))
    typer.echo(json.dumps({"replayed": sent}) if as_json else f"{sent} replayed to {topic}.")
    if wanted and not sent:
        raise typer.Exit(1)


async def _stored(settings: KafkaSettings, topic: str, show_all: bool) -> list[Letter]:
    async with dead_letters(settings, topic) as letters:
        found = [each async for each in letters.stored() if show_all or not each.replayed]
    return sorted(found, key=lambda each: each.message.accepted_at_ms or 0)


async def _replay(settings: KafkaSettings, topic: str, limit: int | None) -> int:
    async with dead_letters(settings, topic) as letters, replay_publisher(settings) as publisher:
        waiting = await letters.waiting()
        total = waiting if limit is None else min(waiting, limit)
        with Progress(console=Console(stderr=True), disable=not Console().is_terminal) as bar:
            task = bar.add_task("Replaying", total=total)
            return await letters.replay(
                publisher, limit=limit, progress=lambda count: bar.advance(task, count)
            )


async def _replay_events(settings: KafkaSettings, topic: str, identifiers: set[str]) -> int:
    async with dead_letters(settings, topic) as letters, replay_publisher(settings) as publisher:
        return await letters.replay_events(publisher, identifiers)


def _row(letter: Letter, show_value: bool) -> dict[str, str | bool]:
    message = letter.message
    headers = message.headers
    accepted = datetime.fromtimestamp((message.accepted_at_ms or 0) / 1000, UTC)
    row: dict[str, str | bool] = {
        "time": headers.get("failed-at") or accepted.isoformat(timespec="milliseconds"),
        "key": message.key,
        "type": headers.get("ce_type", ""),
        "id": letter.id,
        "error": headers.get("error", ""),
        "group": headers.get("failed-group", ""),
        "place": f"{message.partition}/{message.offset}",
        "replayed": letter.replayed,
    }
    if show_value:
        row["value"] = message.value.decode("utf-8", "backslashreplace")
    return row


def _print(rows: list[dict[str, str | bool]]) -> None:
    table = Table(*rows[0], box=None)
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    console = Console()
    (console if console.is_terminal else Console(width=WIDTH)).print(table)


def _cell(value: str | bool) -> Text:
    """As it is: brackets in an error are not markup."""
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    return Text(value)
