"""A value that another row has already is the client's to repair, not an internal error."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from atmr_common.web.problems import ConflictError

UNIQUE_VIOLATION = "23505"


class TakenError(ConflictError):
    code = "taken"
    title = "Another one has this already"


@asynccontextmanager
async def unique(session: AsyncSession, message: str) -> AsyncIterator[None]:
    """Raises TakenError when what is written in the block repeats a unique value."""
    try:
        async with session.begin_nested():
            yield
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != UNIQUE_VIOLATION:
            raise
        raise TakenError(message) from error
