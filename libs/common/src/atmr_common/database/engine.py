"""The connection to PostgreSQL and the session rule: one transaction per unit of work.

A session commits when its block ends without an error; services and repositories never commit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from socket import gaierror
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from atmr_common.web.problems import InvalidError, UnavailableError

UNREACHABLE = (ConnectionError, TimeoutError, gaierror)
"""What asyncpg lets through when there is no server to connect to."""
UNSTORABLE = frozenset({"22021", "22P05"})
AWAY = frozenset({"08", "57", "53"})
"""Classes of SQLSTATE: connection exception, operator intervention, insufficient resources."""


def asyncpg_url(url: str) -> URL:
    """`url` with the asyncpg driver, however it was written."""
    return make_url(url).set(drivername="postgresql+asyncpg")


class Database:
    """A pool of connections to one database."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.engine = create_async_engine(
            asyncpg_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,  # an error's text goes to the logs; what is stored does not
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed at the end of the block, or rolled back whole."""
        async with self._sessions() as session, session.begin():
            yield session

    async def ready(self) -> str | None:
        """Why the database cannot be used, or None."""
        try:
            async with self.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError) as error:
            return f"PostgreSQL does not answer ({type(error).__name__})"
        return None

    async def aclose(self) -> None:
        await self.engine.dispose()


async def request_session(request: Request) -> AsyncIterator[AsyncSession]:
    """The session of one request; `app.state.committed` hears of its commit.

    Raises:
        InvalidError: for text that PostgreSQL cannot store (a NUL character).
        UnavailableError: when the database is away; nothing was committed.

    """
    database: Database = request.app.state.database
    try:
        async with database.transaction() as session:
            yield session
    except (DBAPIError, *UNREACHABLE) as error:
        raise _problem_of(error) from error
    request.app.state.committed()


def _problem_of(error: Exception) -> Exception:
    """The problem that a failure of the database is to a client, else the failure itself."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    if state in UNSTORABLE:
        return InvalidError("A text holds a character that cannot be stored, such as NUL.")
    lost = not isinstance(error, DBAPIError) or error.connection_invalidated
    if lost or state[:2] in AWAY:
        return UnavailableError("The database does not answer; nothing was committed.")
    return error


Session = Annotated[AsyncSession, Depends(request_session, scope="function")]
"""Scope "function": the commit comes before the answer leaves, not after."""
