"""Dead letters are listed without their values, and go back once, in order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import Result
from support.kafka import MakeTopics
from typer.testing import CliRunner

from atmr_common.bus.dead_letters_command import command
from atmr_common.bus.delivery import dead_letter_of
from atmr_common.bus.kafka import KafkaBus
from atmr_common.bus.port import Message
from atmr_common.bus.settings import KafkaSettings

runner = CliRunner()
AT = datetime(2026, 11, 5, 7, 30, tzinfo=UTC)


class NoRoomError(Exception):
    tells_no_personal_data = True


def letter(topic: str, number: int) -> Message:
    failed = Message(
        topic=topic,
        key=f"key-{number % 5}",
        value=f"secret-{number}".encode(),
        headers={"ce_id": f"id-{number}", "ce_type": f"{topic}.Happened"},
        partition=1,
        offset=number,
    )
    error = NoRoomError(f"no [bold]room[/bold] for {number}")
    return dead_letter_of(failed, error, group="g", at=AT)


async def invoke(bootstrap: str, *arguments: str) -> Result:
    """The command runs an event loop of its own, so in a thread."""
    return await asyncio.to_thread(runner.invoke, command, [*arguments, "--bootstrap", bootstrap])


@pytest.fixture(autouse=True)
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's is seen."""
    monkeypatch.chdir(tmp_path)


class World:
    """A bus, a topic with dead letters, and what arrives on it."""

    def __init__(self, bus: KafkaBus, topic: str, bootstrap: str) -> None:
        self.bus = bus
        self.topic = topic
        self.bootstrap = bootstrap
        self.arrived: asyncio.Queue[Message] = asyncio.Queue()

    async def replay(self, *arguments: str) -> int:
        result = await invoke(self.bootstrap, "replay", self.topic, "--json", *arguments)
        assert result.exit_code == 0, result.output
        return int(json.loads(result.stdout)["replayed"])

    async def listed(self, *arguments: str) -> list[dict[str, str]]:
        result = await invoke(self.bootstrap, "list", self.topic, "--json", *arguments)
        assert result.exit_code == 0, result.output
        rows: list[dict[str, str]] = json.loads(result.stdout)
        return rows

    async def take(self, count: int) -> list[Message]:
        async with asyncio.timeout(20):
            return [await self.arrived.get() for _ in range(count)]


@pytest.fixture
async def world(real_kafka: str, kafka_topics: MakeTopics) -> AsyncIterator[World]:
    [topic] = await kafka_topics("a")
    bus = KafkaBus(KafkaSettings(bootstrap=real_kafka))
    made = World(bus, topic, real_kafka)
    await bus.subscribe([topic], f"g-{uuid4()}", made.arrived.put)
    await bus.publish([letter(topic, number) for number in range(20)])
    yield made
    await bus.aclose()


async def test_the_list_shows_what_happened_and_no_value(world: World) -> None:
    rows = await world.listed()
    assert {row["id"] for row in rows} == {f"id-{number}" for number in range(20)}
    [row] = [row for row in rows if row["id"] == "id-7"]
    assert row["key"] == "key-2"
    assert row["type"] == f"{world.topic}.Happened"
    assert row["error"] == "NoRoomError: no [bold]room[/bold] for 7"
    assert row["group"] == "g"
    assert row["time"] == "2026-11-05T07:30:00.000+00:00"
    for arguments in (["--json"], []):
        printed = await invoke(world.bootstrap, "list", world.topic, *arguments)
        assert "secret" not in printed.output
        assert "[bold]room[/bold]" in printed.output
    shown = await invoke(world.bootstrap, "list", world.topic, "--show-value")
    assert "secret-7" in shown.output


async def test_the_replay_sends_each_back_once_in_order_as_it_was(world: World) -> None:
    assert await world.replay() == 20
    messages = await world.take(20)
    for key in {message.key for message in messages}:
        numbers = [int(each.value.split(b"-")[1]) for each in messages if each.key == key]
        assert numbers == sorted(numbers)
    [seventh] = [each for each in messages if each.headers["ce_id"] == "id-7"]
    assert seventh.value == b"secret-7"
    assert set(seventh.headers) == {"ce_id", "ce_type", "replayed-from"}
    assert await world.replay() == 0, "each once"
    assert await world.listed() == []
    assert len(await world.listed("--all")) == 20


async def test_a_replay_in_parts_ends_where_it_stopped(world: World) -> None:
    assert await world.replay("--limit", "6") == 6
    assert await world.replay("--limit", "100") == 14
    assert len({message.headers["ce_id"] for message in await world.take(20)}) == 20
    assert world.arrived.empty()


async def test_one_event_goes_back_by_its_id_and_the_others_stay(world: World) -> None:
    assert await world.replay("--id", "id-3", "--id", "id-4") == 2
    assert {each.headers["ce_id"] for each in await world.take(2)} == {"id-3", "id-4"}
    assert len(await world.listed()) == 20
    unknown = await invoke(world.bootstrap, "replay", world.topic, "--id", "none")
    assert unknown.exit_code == 1


async def test_a_topic_that_is_not_there_is_a_sentence(real_kafka: str) -> None:
    result = await invoke(real_kafka, "list", "no.such.topic")
    assert result.exit_code == 2
    assert "no.such.topic.dead-letter" in result.stderr
    assert "Traceback" not in result.output
