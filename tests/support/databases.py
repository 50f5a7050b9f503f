"""Databases for tests on one PostgreSQL server: a migrated template, and a copy for each test.

A copy takes some 20 ms, hardly more than emptying the tables, and leaves nothing of the test
before: no sequence, no lock, no forgotten connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Result = TypeVar("Result")

SERVICE_SCHEMAS = (("dispatch_api", "dispatch"),)  # package with migrations, and the schema it owns
TEMPLATE_LOCK = 0x41544D52_54455354


def run_apart(work: Coroutine[Any, Any, Result]) -> Result:
    """Run `work` in a thread of its own, so that a test's event loop is left alone."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, work).result()


def url_of(server_url: str, database: str) -> str:
    parts = urlsplit(server_url)
    return urlunsplit(parts._replace(scheme="postgresql", path=f"/{database}"))


async def create_migrated_template(server_url: str, template: str) -> None:
    """Make `template` unless it is there; workers that ask at the same time wait for the first."""
    async with _connected(server_url) as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", TEMPLATE_LOCK)
        query = "SELECT true FROM pg_database WHERE datname = $1"
        if await connection.fetchval(query, template):
            return
        unfinished = f"{template}_unfinished"
        await connection.execute(f'DROP DATABASE IF EXISTS "{unfinished}" WITH (FORCE)')
        await connection.execute(f'CREATE DATABASE "{unfinished}"')
        await _migrate(url_of(server_url, unfinished))
        await connection.execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{template}"')


async def _migrate(url: str) -> None:
    from atmr_common.database.migrations import upgrade  # noqa: PLC0415  Alembic is slow to load

    for package, schema in SERVICE_SCHEMAS:
        await upgrade(url, package=package, schema=schema)


async def create_database(server_url: str, template: str = "template0") -> str:
    """A new database like `template`; its URL."""
    name = f"atmr_test_{uuid4().hex[:12]}"
    async with _connected(server_url) as connection:
        await connection.execute(
            f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy'
        )
    return url_of(server_url, name)


async def drop_database(server_url: str, database: str) -> None:
    """PostgreSQL's own cleaners, which may be at work in it, end after a moment."""
    async with _connected(server_url) as connection:
        for wait_s in (0.1, 0.3, 1.0, 3.0, None):
            try:
                await connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
            except asyncpg.InsufficientPrivilegeError:
                if wait_s is None:
                    raise
                await asyncio.sleep(wait_s)
            else:
                return


async def server_version(server_url: str) -> str:
    async with _connected(server_url) as connection:
        return str(await connection.fetchval("SHOW server_version"))


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url_of(url, urlsplit(url).path.lstrip("/")))
    try:
        yield connection
    finally:
        await connection.close()
