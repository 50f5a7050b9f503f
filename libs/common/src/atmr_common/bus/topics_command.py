"""`atmr topics`: make the topics of the catalogue, list them, and check that they are as meant."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from atmr_common.bus.cluster_option import Bootstrap, answered, cluster
from atmr_common.bus.settings import KafkaSettings
from atmr_common.bus.topics import (
    Difference,
    Topic,
    TopicAdministration,
    differences,
    topic_administration,
    wanted_topics,
)

SHOWN_TRIES, SHOWN_PAUSE_S = 50, 0.2
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

command = typer.Typer(
    add_completion=False, no_args_is_help=True, help="The topics of the event catalogue on Kafka."
)


@command.command("apply")
def apply(
    bootstrap: Bootstrap = None,
    replication: Annotated[
        int, typer.Option(min=-1, help="Copies of new topics; -1: the broker's default.")
    ] = -1,
    raise_partitions: Annotated[
        bool, typer.Option(help="Also add partitions. Keys move: drain the topics first.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make what is missing and set what differs; once done, it changes nothing."""
    settings = cluster(bootstrap)
    changed, left = answered(settings, _apply(settings, replication, raise_partitions))
    if as_json:
        typer.echo(json.dumps({"changed": _plain(changed), "left": _plain(left)}))
        return
    for each in changed:
        typer.echo(f"made {each.topic}" if each.what == "missing" else f"set {_becomes(each)}")
    for each in left:
        typer.echo(f"warning: {each.sentence} {_why_left(each)}", err=True)
    if not changed and not left:
        typer.echo("Every topic is as the catalogue has it.")


@command.command("list")
def list_topics(bootstrap: Bootstrap = None, as_json: Json = False) -> None:
    """Show every topic of the catalogue as it is on the broker."""
    settings = cluster(bootstrap)
    found = answered(settings, _found(settings))
    rows = [(topic, found.get(topic.name)) for topic in wanted_topics()]
    if as_json:
        listed = [_listed(topic, there) for topic, there in rows]
        typer.echo(json.dumps(listed))
        return
    table = Table("topic", "partitions", "retention", "policy", box=None)
    for topic, there in rows:
        values = _listed(topic, there)
        table.add_row(*(str(values[name]) for name in ("topic", "partitions", "hours", "policy")))
    Console(width=None if Console().is_terminal else 120).print(table)


@command.command("check")
def check(bootstrap: Bootstrap = None, as_json: Json = False) -> None:
    """Exit with 1 when a topic is missing or not as the catalogue has it."""
    settings = cluster(bootstrap)
    found = answered(settings, _found(settings))
    drift = differences(wanted_topics(), found)
    if as_json:
        typer.echo(json.dumps(_plain(drift)))
    else:
        for each in drift:
            typer.echo(each.sentence)
        typer.echo("Run `atmr topics apply`." if drift else "Every topic is as it should be.")
    if drift:
        raise typer.Exit(1)


async def _found(settings: KafkaSettings) -> dict[str, Topic]:
    async with topic_administration(settings) as administration:
        return await administration.found([topic.name for topic in wanted_topics()])


async def _apply(
    settings: KafkaSettings, replication: int, raise_partitions: bool
) -> tuple[list[Difference], list[Difference]]:
    """What was changed, and what was left as it is."""
    wanted = {topic.name: topic for topic in wanted_topics()}
    async with topic_administration(settings) as administration:
        found = await administration.found(wanted)
        drift = differences(wanted.values(), found)
        missing = [wanted[each.topic] for each in drift if each.what == "missing"]
        await administration.create(missing, replication=replication)
        configured = {each.topic for each in drift if each.what not in ("missing", "partitions")}
        for name in sorted(configured):
            await administration.configure(wanted[name])
        left = []
        for each in drift:
            if each.what != "partitions":
                continue
            if raise_partitions and int(each.wanted) > int(each.found or 0):
                await administration.raise_partitions(wanted[each.topic])
            else:
                left.append(each)
        await _until_shown(administration, wanted, left)
    return [each for each in drift if each not in left], left


async def _until_shown(
    administration: TopicAdministration, wanted: dict[str, Topic], left: list[Difference]
) -> None:
    """A broker answers before it shows its changes; who asks next should see them."""
    for _ in range(SHOWN_TRIES):
        if differences(wanted.values(), await administration.found(wanted)) == left:
            return
        await asyncio.sleep(SHOWN_PAUSE_S)


def _becomes(each: Difference) -> str:
    return f"{each.topic}: {each.what} from {each.found} to {each.wanted}"


def _why_left(each: Difference) -> str:
    if int(each.wanted) < int(each.found or 0):
        return "Kafka cannot take partitions away; nothing was changed."
    return "Keys would move, so nothing was changed; --raise-partitions does it."


def _listed(topic: Topic, there: Topic | None) -> dict[str, str | int | None]:
    if there is None:
        return {"topic": topic.name, "partitions": "missing", "hours": "", "policy": ""}
    retention_ms = int(there.config["retention.ms"])
    return {
        "topic": topic.name,
        "partitions": there.partitions,
        "hours": "for ever" if retention_ms < 0 else f"{retention_ms // 3_600_000} h",
        "policy": there.config["cleanup.policy"],
    }


def _plain(drift: list[Difference]) -> list[dict[str, str | None]]:
    return [asdict(each) for each in drift]
