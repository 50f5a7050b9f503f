"""The outbox on a real PostgreSQL: nothing is lost, nothing told that was not committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from atmr_common.bus.port import Message, Receiver
from atmr_common.contracts.catalogue import CATALOGUE, RUN
from atmr_common.contracts.dispatch import RunRequested
from atmr_common.contracts.envelope import Envelope
from atmr_common.database.engine import Database
from atmr_common.database.outbox import Outbox, OutboxRelay, outbox_table
from atmr_common.runtime.clock import FixedClock

NOW = datetime(2026, 3, 16, 6, 0, tzinfo=UTC)
COMPANY = UUID(int=1)


class RecordingBus:
    """A bus that remembers what it accepted, and refuses when told to."""

    def __init__(self) -> None:
        self.accepted: list[Message] = []
        self.down = False
        self.published = asyncio.Event()

    async def publish(self, messages: Sequence[Message]) -> None:
        if self.down:
            raise ConnectionError("broker is down")
        self.accepted.extend(messages)
        self.published.set()

    async def subscribe(self, topics: Sequence[str], group: str, receiver: Receiver) -> None:
        raise AssertionError(f"the relay only publishes: {topics}, {group}, {receiver}")

    async def aclose(self) -> None:
        return


@pytest.fixture
def table() -> sa.Table:
    return outbox_table(sa.MetaData())


@pytest.fixture
async def database(empty_database_url: str, table: sa.Table) -> AsyncIterator[Database]:
    database = Database(empty_database_url, pool_size=5)
    async with database.engine.begin() as connection:
        await connection.run_sync(table.metadata.create_all)
    yield database
    await database.aclose()


@pytest.fixture
def outbox(table: sa.Table) -> Outbox:
    return Outbox(table, source="/tests", clock=FixedClock(NOW))


def event() -> RunRequested:
    return RunRequested(run_id=uuid4(), day=date(2026, 3, 16), mode="auto")


async def record(database: Database, outbox: Outbox, count: int) -> list[RunRequested]:
    events = [event() for _ in range(count)]
    async with database.transaction() as session:
        for version, each in enumerate(events, 1):
            await outbox.record(session, each, key="day", company_id=COMPANY, version=version)
    return events


async def test_what_was_recorded_is_published_once_and_in_order(
    database: Database, outbox: Outbox, table: sa.Table
) -> None:
    events = await record(database, outbox, 3)
    bus = RecordingBus()
    relay = OutboxRelay(database, table, bus)
    assert await relay.relay_batch() == 3
    assert await relay.relay_batch() == 0
    assert [RunRequested.model_validate_json(m.value) for m in bus.accepted] == events
    assert {message.topic for message in bus.accepted} == {RUN}


async def test_headers_are_a_cloudevents_envelope(
    database: Database, outbox: Outbox, table: sa.Table
) -> None:
    await record(database, outbox, 1)
    bus = RecordingBus()
    await OutboxRelay(database, table, bus).relay_batch()
    envelope = Envelope.from_headers(dict(bus.accepted[0].headers))
    assert envelope.type == CATALOGUE[RunRequested].type == "dispatch.run.v1.RunRequested"
    assert (envelope.subject, envelope.company_id, envelope.time) == ("day", COMPANY, NOW)
    assert envelope.aggregate_version == 1
    assert bus.accepted[0].headers["ce_specversion"] == "1.0"


async def test_a_rolled_back_change_tells_nothing(
    database: Database, outbox: Outbox, table: sa.Table
) -> None:
    with pytest.raises(RuntimeError, match="after the event"):
        await fail_after_recording(database, outbox)
    assert await OutboxRelay(database, table, RecordingBus()).relay_batch() == 0


async def fail_after_recording(database: Database, outbox: Outbox) -> None:
    async with database.transaction() as session:
        await outbox.record(session, event(), key="day", company_id=COMPANY, version=1)
        raise RuntimeError("after the event, before the commit")


async def test_while_the_bus_is_down_events_wait(
    database: Database, outbox: Outbox, table: sa.Table
) -> None:
    await record(database, outbox, 2)
    bus = RecordingBus()
    bus.down = True
    relay = OutboxRelay(database, table, bus, poll_s=0.01)
    with pytest.raises(ConnectionError):
        await relay.relay_batch()
    running = asyncio.create_task(relay.run())
    bus.down = False
    async with asyncio.timeout(5):
        await bus.published.wait()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert len(bus.accepted) == 2


async def test_a_row_that_commits_late_is_not_lost(
    database: Database, outbox: Outbox, table: sa.Table
) -> None:
    """Positions are not in the order of commits: the lower one may become visible later."""
    bus = RecordingBus()
    relay = OutboxRelay(database, table, bus)
    async with database.transaction() as late:
        await outbox.record(late, event(), key="late", company_id=COMPANY, version=1)
        await late.flush()
        await record(database, outbox, 1)
        assert await relay.relay_batch() == 1
    assert await relay.relay_batch() == 1
    assert [message.key for message in bus.accepted] == ["day", "late"]


async def test_one_relay_leads(database: Database, outbox: Outbox, table: sa.Table) -> None:
    await record(database, outbox, 1)
    entered, go_on = asyncio.Event(), asyncio.Event()

    class SlowBus(RecordingBus):
        async def publish(self, messages: Sequence[Message]) -> None:
            entered.set()
            await go_on.wait()
            await super().publish(messages)

    slow, other = SlowBus(), RecordingBus()
    leading = asyncio.create_task(OutboxRelay(database, table, slow).relay_batch())
    await entered.wait()
    assert await OutboxRelay(database, table, other).relay_batch() == 0
    go_on.set()
    assert await leading == 1
    assert (len(slow.accepted), other.accepted) == (1, [])
