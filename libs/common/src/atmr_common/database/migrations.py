"""Alembic, driven by code: each service has one history in its own schema.

Migrations run under an advisory lock, so that replicas which start together do not race.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import sqlalchemy as sa
import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from atmr_common.database.engine import asyncpg_url
from atmr_common.runtime.crash_points import MIGRATION_MID, Crash

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = structlog.get_logger(__name__)

MIGRATION_LOCK = 0x41544D52_4D494752  # "ATMRMIGR"


PATIENCE_S = 60.0
LOCK_TIMEOUT_MS = 2000
"""A statement that waits longer for a table gives up: all traffic would queue behind it."""
RETRY_S = 1.0
RETRIED = frozenset({"55P03", "40P01"})
"""SQLSTATE: lock not available, deadlock detected."""


class MigrationBlockedError(Exception):
    """The schema could not be brought up to date in time; nothing of it was changed."""

    def __init__(self, schema: str, waited_s: float) -> None:
        super().__init__(
            f"The schema {schema} was not migrated: for {waited_s:.0f} s its tables were in use by"
            " long transactions, or another migration ran (pg_stat_activity shows which). Nothing"
            " was changed; start again when they have ended."
        )


async def upgrade(
    url: str,
    *,
    package: str,
    schema: str,
    revision: str = "head",
    patience_s: float = PATIENCE_S,
    crash: Crash | None = None,
) -> None:
    """Bring `schema` to the newest revision of `package`'s `migrations` folder.

    All revisions are one transaction: a process that dies midway leaves the schema as it was.
    While a table is in use, it steps back and tries again, so that traffic never queues behind it.

    Example: `await upgrade(url, package="dispatch_api", schema="dispatch")`.

    Raises:
        MigrationBlockedError: when that did not succeed within `patience_s`.

    """
    engine = create_async_engine(asyncpg_url(url))
    started = time.monotonic()
    try:
        while not await _upgraded(engine, package, schema, revision, crash):
            if time.monotonic() - started > patience_s:
                raise MigrationBlockedError(schema, patience_s)
            await asyncio.sleep(min(RETRY_S, patience_s))
    finally:
        await engine.dispose()


async def _upgraded(
    engine: AsyncEngine, package: str, schema: str, revision: str, crash: Crash | None
) -> bool:
    """One attempt; False when a lock was not to be had."""
    try:
        async with engine.begin() as connection:
            await connection.execute(sa.text(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}"))
            lock = sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK))
            await connection.execute(lock)
            await connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
            await connection.run_sync(_upgrade, package, schema, revision)
            if crash is not None:
                crash(MIGRATION_MID)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in RETRIED:
            raise
        log.info("the migration waits for a lock", schema=schema)
        return False
    return True


async def pending(url: str, *, package: str, schema: str) -> str | None:
    """Why the schema is behind the newest revision, or None.

    A revision that this release does not know is a newer release's, which only added.
    """
    engine = create_async_engine(asyncpg_url(url))
    try:
        async with engine.connect() as connection:
            present = await connection.run_sync(_present_revision, schema)
    finally:
        await engine.dispose()
    with as_file(files(package) / "migrations") as folder:
        scripts = ScriptDirectory(str(folder))
        newest = scripts.get_current_head()
        known = {script.revision for script in scripts.walk_revisions()}
    if present == newest or (present is not None and present not in known):
        return None
    return f"schema {schema} is at {present}, not at {newest}: run `atmr migrate`"


def configuration(package: str, schema: str, connection: Connection) -> Config:
    """Alembic's configuration for one service and an open connection."""
    with as_file(files(package) / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder))
    config.attributes.update(connection=connection, schema=schema)
    return config


def _upgrade(connection: Connection, package: str, schema: str, revision: str) -> None:
    command.upgrade(configuration(package, schema, connection), revision)


def _present_revision(connection: Connection, schema: str) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table_schema": schema})
    return context.get_current_revision()


async def revise(url: str, *, package: str, schema: str, message: str) -> None:
    """Write a new revision that brings the migrated schema to what the tables say now."""
    await _on_connection(url, _revise, package, schema, message)


async def drift(url: str, *, package: str, schema: str) -> None:
    """Compare the migrated schema with the tables.

    Raises:
        alembic.util.AutogenerateDiffsDetected: when a revision is missing.

    """
    await _on_connection(url, _drift, package, schema)


async def _on_connection(url: str, act: Callable[..., None], *arguments: str) -> None:
    engine = create_async_engine(asyncpg_url(url))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(act, *arguments)
    finally:
        await engine.dispose()


def _revise(connection: Connection, package: str, schema: str, message: str) -> None:
    configured = configuration(package, schema, connection)
    command.revision(configured, message, autogenerate=True, rev_id=_next_number(configured))


def _drift(connection: Connection, package: str, schema: str) -> None:
    command.check(configuration(package, schema, connection))


def _next_number(configured: Config) -> str:
    """Revisions are numbered, so that their order can be read in the folder."""
    head = ScriptDirectory.from_config(configured).get_current_head()
    return f"{int(head or 0) + 1:04d}"
