"""Migrations beside traffic: they step back, wait within bounds, and leave all or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import sqlalchemy as sa
from support.outbox_world import OutboxWorld

from atmr_common.database.asyncpg_connection import close, connect
from atmr_common.database.engine import Database
from atmr_common.database.migrations import (
    MIGRATION_LOCK,
    MigrationBlockedError,
    pending,
    upgrade,
)
from atmr_common.database.schema_readiness import SchemaReadiness
from atmr_common.database.tenancy import OWNER

DISPATCH = {"package": "dispatch_api", "schema": "dispatch"}


@pytest.fixture
async def traffic(empty_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the first release's processes, on its schema."""
    await upgrade(empty_database_url, revision="0001", **DISPATCH)
    connection = await connect(
        empty_database_url, schema="dispatch", tenancy=OWNER, application="release 0.1.0"
    )
    yield connection
    await close(connection)


async def test_behind_says_what_to_do(empty_database_url: str, traffic: object) -> None:
    del traffic
    reason = await pending(empty_database_url, **DISPATCH)
    assert reason == "schema dispatch is at 0001, not at 0002: run `atmr migrate`"


async def test_a_newer_schema_is_fine(database_url: str) -> None:
    world = OutboxWorld(database_url, Database(database_url, schema="dispatch"))
    await world.execute("UPDATE dispatch.alembic_version SET version_num = '9999'")
    assert await pending(database_url, **DISPATCH) is None
    await world.database.aclose()


async def test_readiness_waits_for_the_schema(empty_database_url: str, traffic: object) -> None:
    del traffic
    readiness = SchemaReadiness(empty_database_url, **DISPATCH)
    assert "atmr migrate" in str(await readiness.ready())
    await upgrade(empty_database_url, **DISPATCH)
    assert await readiness.ready() is None
    nowhere = SchemaReadiness("postgresql://nobody@127.0.0.1:1/none", **DISPATCH)
    assert "does not answer" in str(await nowhere.ready())


async def test_a_table_in_use_ends_the_attempt_with_a_sentence_and_changes_nothing(
    empty_database_url: str, traffic: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atmr_common.database.migrations.LOCK_TIMEOUT_MS", 100)
    async with traffic.transaction():
        await traffic.fetch("SELECT * FROM dispatch.booking")
        with pytest.raises(MigrationBlockedError, match="long transactions"):
            await upgrade(empty_database_url, patience_s=0.1, **DISPATCH)
    assert "is at 0001" in str(await pending(empty_database_url, **DISPATCH))


async def test_it_tries_again_when_the_table_is_free(
    empty_database_url: str, traffic: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atmr_common.database.migrations.LOCK_TIMEOUT_MS", 100)
    async with traffic.transaction():
        await traffic.fetch("SELECT * FROM dispatch.booking")
        migrating = asyncio.create_task(upgrade(empty_database_url, **DISPATCH))
        await asyncio.wait({migrating}, timeout=0.5)
        assert not migrating.done()
        other = await connect(
            empty_database_url, schema="dispatch", tenancy=OWNER, application="release 0.1.0"
        )
        async with asyncio.timeout(1):
            await other.fetch("SELECT * FROM dispatch.booking")
        await close(other)
    await migrating
    assert await pending(empty_database_url, **DISPATCH) is None


async def test_another_migration_is_waited_for_within_bounds(
    empty_database_url: str, traffic: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atmr_common.database.migrations.LOCK_TIMEOUT_MS", 100)
    await traffic.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
    with pytest.raises(MigrationBlockedError, match="another migration"):
        await upgrade(empty_database_url, patience_s=0.1, **DISPATCH)
    await traffic.execute("SELECT pg_advisory_unlock($1)", MIGRATION_LOCK)
    await asyncio.gather(*(upgrade(empty_database_url, **DISPATCH) for _ in range(3)))


async def test_what_is_no_matter_of_locks_is_raised_at_once(
    empty_database_url: str, traffic: asyncpg.Connection
) -> None:
    await traffic.execute("CREATE TABLE dispatch.inbox (wrong int)")
    with pytest.raises(sa.exc.ProgrammingError, match="already exists"):
        await upgrade(empty_database_url, **DISPATCH)
