from __future__ import annotations

import asyncpg
import pytest

from atmr_common.database.migrations import pending


async def _create_marker(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE TABLE marker (id integer)")
    finally:
        await connection.close()


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_has_a_database_of_its_own(empty_database_url: str, turn: int) -> None:
    del turn  # twice: a second CREATE TABLE in the same database would fail
    await _create_marker(empty_database_url)


async def test_the_migrated_database_is_at_every_newest_revision(database_url: str) -> None:
    assert await pending(database_url, package="dispatch_api", schema="dispatch") is None


async def test_the_application_is_no_superuser(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    try:
        query = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        assert await connection.fetchval(query) is False
    finally:
        await connection.close()
