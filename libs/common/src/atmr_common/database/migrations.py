"""Alembic, driven by code: each service has one history in its own schema.

Migrations run under an advisory lock, so that replicas which start together do not race.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine

from atmr_common.database.engine import asyncpg_url

if TYPE_CHECKING:
    from sqlalchemy import Connection

MIGRATION_LOCK = 0x41544D52_4D494752  # "ATMRMIGR"


async def upgrade(url: str, *, package: str, schema: str) -> None:
    """Bring `schema` to the newest revision of `package`'s `migrations` folder.

    Example: `await upgrade(url, package="dispatch_api", schema="dispatch")`.
    """
    engine = create_async_engine(asyncpg_url(url))
    try:
        async with engine.begin() as connection:
            lock = sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK))
            await connection.execute(lock)
            await connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
            await connection.run_sync(_upgrade, package, schema)
    finally:
        await engine.dispose()


async def pending(url: str, *, package: str, schema: str) -> str | None:
    """Why the schema is not at the newest revision, or None."""
    engine = create_async_engine(asyncpg_url(url))
    try:
        async with engine.connect() as connection:
            present = await connection.run_sync(_present_revision, schema)
    finally:
        await engine.dispose()
    with as_file(files(package) / "migrations") as folder:
        newest = ScriptDirectory(str(folder)).get_current_head()
    return None if present == newest else f"schema {schema} is at {present}, not at {newest}"


def configuration(package: str, schema: str, connection: Connection) -> Config:
    """Alembic's configuration for one service and an open connection."""
    with as_file(files(package) / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder))
    config.attributes.update(connection=connection, schema=schema)
    return config


def _upgrade(connection: Connection, package: str, schema: str) -> None:
    command.upgrade(configuration(package, schema, connection), "head")


def _present_revision(connection: Connection, schema: str) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table_schema": schema})
    return context.get_current_revision()
