"""The example consumer that others copy: every event once, repeats and restarts notwithstanding."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from support.event_samples import BOOKING, an_id, envelope_of, sample
from support.kafka import MakeTopics

from atmr_common.bus.kafka import KafkaBus
from atmr_common.bus.port import Message
from atmr_common.bus.settings import KafkaSettings
from atmr_common.contracts.bookings import BookingCancelled, BookingRequested
from atmr_common.contracts.envelope import Event

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "consumer.py"
WAIT_S = 60


def message(topic: str, model: type[Event], number: int) -> Message:
    """An event as the relay publishes it; the same `number` is a repeat."""
    changes = {"id": an_id(f"event {number}"), "aggregate_version": number}
    envelope = envelope_of(model).model_copy(update=changes)
    value = sample(model).model_dump_json().encode()
    return Message(topic=topic, key=envelope.subject, value=value, headers=envelope.headers())


@asynccontextmanager
async def example(bootstrap: str, topic: str, folder: Path) -> AsyncIterator[asyncio.StreamReader]:
    """The example as a process of its own; gives what it prints."""
    command = [sys.executable, str(EXAMPLE), bootstrap, topic, str(folder / "inbox.db")]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.kill()
        await process.wait()


async def kinds(printed: asyncio.StreamReader, count: int) -> list[str]:
    async with asyncio.timeout(WAIT_S):
        return [(await printed.readline()).decode().split()[1] for _ in range(count)]


async def test_the_example_takes_in_every_event_once(
    kafka_bootstrap: str, kafka_topics: MakeTopics, tmp_path: Path
) -> None:
    (topic,) = await kafka_topics("dispatch.booking.v1")
    bus = KafkaBus(KafkaSettings(bootstrap=kafka_bootstrap))
    requested, cancelled = (
        message(topic, BookingRequested, 1),
        message(topic, BookingCancelled, 2),
    )
    try:
        await bus.publish([requested, requested, cancelled])
        async with example(kafka_bootstrap, topic, tmp_path) as printed:
            assert await kinds(printed, 2) == ["BookingRequested", "BookingCancelled"]
        # Killed perhaps before it committed the offset: it starts again, and hears repeats.
        await bus.publish([cancelled, requested, message(topic, BookingRequested, 3)])
        async with example(kafka_bootstrap, topic, tmp_path) as printed:
            assert await kinds(printed, 1) == ["BookingRequested"]
    finally:
        await bus.aclose()
    with sqlite3.connect(tmp_path / "inbox.db") as store:
        (row,) = store.execute("SELECT id, epoch, version, event FROM booking")
        ((taken_in,),) = store.execute("SELECT count(*) FROM inbox")
    store.close()
    assert row == (str(BOOKING), 1, 3, "BookingRequested")
    assert taken_in == 3


def test_the_example_is_short_and_knows_nothing_of_ours() -> None:
    text = EXAMPLE.read_text()
    assert "atmr_common" not in text
    code = [
        line
        for line in text.splitlines()
        if line.strip() and not line.startswith(("import", "from"))
    ]
    assert len(code) <= 40
