"""The connection to PostgreSQL and the session rule: one transaction per unit of work.

A session commits when its block ends without an error; services and repositories never commit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine


def asyncpg_url(url: str) -> URL:
    """`url` with the asyncpg driver, however it was written."""
    return make_url(url).set(drivername="postgresql+asyncpg")


class Database:
    """A pool of connections to one database."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.engine = create_async_engine(
            asyncpg_url(url), pool_size=pool_size, max_overflow=0, pool_pre_ping=True
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
    """The session of one request; `app.state.committed` hears of its commit."""
    database: Database = request.app.state.database
    async with database.transaction() as session:
        yield session
    request.app.state.committed()


Session = Annotated[AsyncSession, Depends(request_session, scope="function")]
"""Scope "function": the commit comes before the answer leaves, not after."""
