"""Partitions by day come ahead of their rows and go with their retention; traffic never waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from support.outbox_world import COMPANY, NOW, OutboxWorld, until

from atmr_common.database import partitions
from atmr_common.database.asyncpg_connection import close, connect
from atmr_common.database.engine import Database
from atmr_common.database.partitions import (
    DailyPartitions,
    keep_partitions,
    partition_day,
    partition_name,
)
from atmr_common.database.tenancy import OWNER, of_company

POSITION = sa.Table(
    "driver_position",
    sa.MetaData(schema="dispatch"),
    sa.Column("recorded_at", sa.DateTime(timezone=True)),
)
PLAN = DailyPartitions(column=POSITION.c.recorded_at, keep=timedelta(hours=72))
INSERT = """
INSERT INTO dispatch.driver_position (company_id, driver_id, recorded_at, received_at, lat, lon)
VALUES ($1, gen_random_uuid(), $2, $2, 46.2, 6.1)
"""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[OutboxWorld]:
    database = Database(database_url, schema="dispatch")
    yield OutboxWorld(database_url, database)
    await database.aclose()


@pytest.fixture
async def app(world: OutboxWorld) -> AsyncIterator[asyncpg.Connection]:
    tenancy = of_company(COMPANY)
    connection = await connect(world.url, schema="dispatch", tenancy=tenancy, application="app")
    yield connection
    await close(connection)


async def count(world: OutboxWorld) -> object:
    return await world.ask("SELECT count(*) FROM dispatch.driver_position")


async def test_a_week_ahead_is_made_once(world: OutboxWorld) -> None:
    first = await keep_partitions(world.url, PLAN, now=NOW)
    assert first.made[0] == "driver_position_p20260313"
    assert first.made[-1] == "driver_position_p20260323"
    assert len(first.made) == 11
    assert (await keep_partitions(world.url, PLAN, now=NOW)).made == ()
    later = await keep_partitions(world.url, PLAN, now=NOW + timedelta(days=1))
    assert later.made == ("driver_position_p20260324",)


async def test_rows_find_their_day_in_utc(world: OutboxWorld, app: asyncpg.Connection) -> None:
    await keep_partitions(world.url, PLAN, now=NOW)
    for moment in (
        datetime(2026, 3, 16, 23, 59, 59, tzinfo=UTC),
        datetime(2026, 3, 17, 0, 0, tzinfo=UTC),
    ):
        await app.execute(INSERT, COMPANY, moment)
    query = "SELECT array_agg(tableoid::regclass::text ORDER BY recorded_at)"
    assert await world.ask(f"{query} FROM dispatch.driver_position") == [
        "dispatch.driver_position_p20260316",
        "dispatch.driver_position_p20260317",
    ]


async def test_nothing_older_than_its_retention_remains(
    world: OutboxWorld, app: asyncpg.Connection
) -> None:
    await keep_partitions(world.url, PLAN, now=NOW)
    for hours in (0, 1, 47, 71):
        await app.execute(INSERT, COMPANY, NOW - timedelta(hours=hours))
    later = NOW + timedelta(hours=10)
    change = await keep_partitions(world.url, PLAN, now=later)
    assert await count(world) == 3, "the one of 81 hours ago is gone, from a partition that stays"
    assert change.dropped == ()
    change = await keep_partitions(world.url, PLAN, now=NOW + timedelta(days=1))
    assert change.dropped == ("driver_position_p20260313",)
    assert await count(world) == 3
    await keep_partitions(world.url, PLAN, now=NOW + timedelta(days=30))
    assert await count(world) == 0


async def test_without_a_retention_all_is_kept(world: OutboxWorld, app: asyncpg.Connection) -> None:
    everything = DailyPartitions(column=POSITION.c.recorded_at, keep=None)
    await keep_partitions(world.url, everything, now=NOW)
    await app.execute(INSERT, COMPANY, NOW)
    change = await keep_partitions(world.url, everything, now=NOW + timedelta(days=400))
    assert change.dropped == ()
    assert await count(world) == 1


async def test_two_processes_at_once_do_no_harm(world: OutboxWorld) -> None:
    changes = await asyncio.gather(*(keep_partitions(world.url, PLAN, now=NOW) for _ in range(4)))
    made = [name for change in changes for name in change.made]
    assert len(made) == len(set(made)) == 11


async def test_making_waits_for_no_open_transaction(
    world: OutboxWorld, app: asyncpg.Connection
) -> None:
    kept = DailyPartitions(column=POSITION.c.recorded_at, keep=None)
    await keep_partitions(world.url, kept, now=NOW)
    async with app.transaction():
        await app.execute(INSERT, COMPANY, NOW)
        await app.fetchval("SELECT count(*) FROM dispatch.driver_position")
        change = await keep_partitions(world.url, kept, now=NOW + timedelta(days=1))
        assert change.made == ("driver_position_p20260324",)


async def test_while_a_drop_waits_for_a_reader_others_write(
    world: OutboxWorld, app: asyncpg.Connection
) -> None:
    await keep_partitions(world.url, PLAN, now=NOW)
    later = NOW + timedelta(days=5)
    async with app.transaction():
        await app.fetchval("SELECT count(*) FROM dispatch.driver_position")
        dropping = asyncio.create_task(keep_partitions(world.url, PLAN, now=later))
        await until(lambda: detaching(world))
        tenancy = of_company(COMPANY)
        other = await connect(world.url, schema="dispatch", tenancy=tenancy, application="other")
        async with asyncio.timeout(1):
            await other.execute(INSERT, COMPANY, later)
        await close(other)
        assert not dropping.done()
    assert len((await dropping).dropped) == 5


async def detaching(world: OutboxWorld) -> bool:
    query = "SELECT count(*) FROM pg_inherits WHERE inhdetachpending"
    return await world.ask(query) == 1


async def test_a_drop_that_must_wait_gives_up_and_is_finished_later(
    world: OutboxWorld, app: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep_partitions(world.url, PLAN, now=NOW)
    monkeypatch.setattr(partitions, "LOCK_TIMEOUT", "100ms")
    later = NOW + timedelta(days=5)
    async with app.transaction():
        await app.fetchval("SELECT count(*) FROM dispatch.driver_position")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await keep_partitions(world.url, PLAN, now=later)
    change = await keep_partitions(world.url, PLAN, now=later)
    assert partition_name("driver_position", date(2026, 3, 13)) in change.dropped
    rest = await keep_partitions(world.url, PLAN, now=later)
    assert rest == partitions.PartitionChange()


async def test_the_application_cannot_read_a_partition_past_its_policy(
    world: OutboxWorld, app: asyncpg.Connection
) -> None:
    await keep_partitions(world.url, PLAN, now=NOW)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.fetch("SELECT * FROM dispatch.driver_position_p20260316")
    owner = await connect(world.url, schema="dispatch", tenancy=OWNER, application="tests")
    await owner.execute(INSERT, "00000000-0000-0000-0000-000000000002", NOW)
    await close(owner)
    assert await app.fetchval("SELECT count(*) FROM dispatch.driver_position") == 0


@given(st.dates(min_value=date(2000, 1, 1), max_value=date(2099, 12, 31)))
def test_a_partitions_name_tells_its_day(day: date) -> None:
    assert partition_day(partition_name("driver_position", day)) == day


def test_other_tables_are_no_partitions() -> None:
    assert partition_day("driver_position") is None
    assert partition_day("driver_position_2026") is None
