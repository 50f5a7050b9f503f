"""The topics of the catalogue on a broker, and the commands that make and check them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.kafka_servers import KafkaDistribution
from typer.testing import CliRunner

from atmr_common.bus.settings import KafkaSettings
from atmr_common.bus.topics import (
    Difference,
    Topic,
    differences,
    topic_administration,
    wanted_topics,
)
from atmr_common.bus.topics_command import command
from atmr_common.contracts.catalogue import TOPICS

HOUR_MS = 3_600_000
runner = CliRunner()


def found_as_wanted() -> dict[str, Topic]:
    return {topic.name: topic for topic in wanted_topics()}


def test_every_topic_of_the_catalogue_has_dead_letters_with_as_many_partitions() -> None:
    wanted = found_as_wanted()
    assert len(wanted) == 2 * len(TOPICS)
    for name, settings in TOPICS.items():
        assert wanted[name].partitions == settings.partitions
        assert wanted[name + ".dead-letter"].partitions == settings.partitions


def test_dead_letters_are_kept_no_longer_than_their_topic() -> None:
    wanted = found_as_wanted()
    for name in TOPICS:
        letters = int(wanted[name + ".dead-letter"].config["retention.ms"])
        own = int(wanted[name].config["retention.ms"])
        assert letters > 0
        assert own == -1 or letters <= own
    assert wanted["dispatch.position.v1.dead-letter"].config["retention.ms"] == str(70 * HOUR_MS)


def test_nothing_differs_from_itself() -> None:
    assert differences(wanted_topics(), found_as_wanted()) == []


def test_each_kind_of_drift_is_told() -> None:
    found = found_as_wanted()
    del found["alert.v1"]
    run = found["dispatch.run.v1"]
    found["dispatch.run.v1"] = replace(
        run, partitions=3, config={**run.config, "retention.ms": "1"}
    )
    told = differences(wanted_topics(), found)
    assert told == [
        Difference("dispatch.run.v1", "partitions", "6", "3"),
        Difference("dispatch.run.v1", "retention.ms", str(72 * HOUR_MS), "1"),
        Difference("alert.v1", "missing", "there", None),
    ]
    assert told[0].sentence == "dispatch.run.v1: partitions is 3, and should be 6."


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's is seen."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ATMR_KAFKA_BOOTSTRAP", raising=False)


@pytest.mark.usefixtures("outside")
def test_the_topics_are_made_once_kept_checked_and_mended(own_kafka: KafkaDistribution) -> None:
    broker = ["--bootstrap", own_kafka.bootstrap]
    before = runner.invoke(command, ["check", *broker])
    assert (before.exit_code, "alert.v1 is missing." in before.output) == (1, True)
    made = runner.invoke(command, ["apply", *broker, "--json"])
    assert made.exit_code == 0, made.output
    assert len(json.loads(made.stdout)["changed"]) == 2 * len(TOPICS)
    again = runner.invoke(command, ["apply", *broker, "--json"])
    assert json.loads(again.stdout) == {"changed": [], "left": []}
    assert runner.invoke(command, ["check", *broker]).exit_code == 0
    listed = json.loads(runner.invoke(command, ["list", *broker, "--json"]).stdout)
    assert {each["topic"] for each in listed} == set(found_as_wanted())


@pytest.mark.usefixtures("outside")
async def test_drift_is_mended_but_partitions_are_added_on_request_only(
    own_kafka: KafkaDistribution,
) -> None:
    wanted = found_as_wanted()
    few = replace(wanted["alert.v1"], partitions=2)
    loose = replace(wanted["dispatch.run.v1"], config={"retention.ms": "1", "flush.messages": "7"})
    settings = KafkaSettings(bootstrap=own_kafka.bootstrap)
    async with topic_administration(settings) as administration:
        await administration.create([few, loose])
    broker = ["--bootstrap", own_kafka.bootstrap]
    applied = await asyncio.to_thread(runner.invoke, command, ["apply", *broker])
    assert applied.exit_code == 0, applied.output
    assert "warning: alert.v1: partitions is 2, and should be 6. Keys would move" in applied.stderr
    async with topic_administration(settings) as administration:
        found = await administration.found(["alert.v1", "dispatch.run.v1"])
    assert found["alert.v1"].partitions == 2
    assert found["dispatch.run.v1"].config["retention.ms"] == str(72 * HOUR_MS)
    assert found["dispatch.run.v1"].config["flush.messages"] == "7", "what others set stays"
    assert (await asyncio.to_thread(runner.invoke, command, ["check", *broker])).exit_code == 1
    raised = await asyncio.to_thread(
        runner.invoke, command, ["apply", *broker, "--raise-partitions"]
    )
    assert raised.exit_code == 0, raised.output
    assert (await asyncio.to_thread(runner.invoke, command, ["check", *broker])).exit_code == 0


@pytest.mark.usefixtures("outside")
def test_without_a_broker_the_commands_say_so_in_a_sentence() -> None:
    nameless = runner.invoke(command, ["list"])
    assert (nameless.exit_code, "ATMR_KAFKA_BOOTSTRAP" in nameless.stderr) == (2, True)
    away = runner.invoke(command, ["check", "--bootstrap", "127.0.0.1:9"])
    assert away.exit_code == 2
    assert "127.0.0.1:9" in away.stderr
    assert "Traceback" not in away.output
