"""The connection to PostgreSQL and the session rule: one transaction per unit of work.

A session commits when its block ends without an error; services and repositories never commit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from socket import gaierror

import asyncpg
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from atmr_common.database.tenancy import ENTER, Tenancy

UNREACHABLE = (
    ConnectionError,
    TimeoutError,
    gaierror,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What comes past SQLAlchemy when there is no server, or one that is just starting or stopping."""
LOCK_TIMEOUT_MS = "5000"
"""Who waits longer for a row holds a connection that all companies need."""
READ_ONCE = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def asyncpg_url(url: str) -> URL:
    """`url` with the asyncpg driver, however it was written."""
    return make_url(url).set(drivername="postgresql+asyncpg")


class Database:
    """A pool of connections to one database, for the service that owns `schema`."""

    def __init__(self, url: str, *, schema: str, pool_size: int = 10) -> None:
        self._schema = schema
        self.engine = create_async_engine(
            asyncpg_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args={"server_settings": {"lock_timeout": LOCK_TIMEOUT_MS}},
            hide_parameters=True,  # an error's text goes to the logs; what is stored does not
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(
        self, tenancy: Tenancy, *, read_once: bool = False
    ) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed at the end of the block, or rolled back whole.

        `read_once` reads everything as it stood at one moment, and writes nothing.
        """
        async with self._sessions() as session, session.begin():
            if read_once:
                await session.execute(READ_ONCE)
            await session.execute(ENTER, tenancy.settings(self._schema))
            yield session

    async def ready(self) -> str | None:
        """Why the database cannot be used, or None."""
        try:
            async with self.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError, *UNREACHABLE) as error:
            return f"PostgreSQL does not answer ({type(error).__name__})"
        return None

    async def aclose(self) -> None:
        await self.engine.dispose()
