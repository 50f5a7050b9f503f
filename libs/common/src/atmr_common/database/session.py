"""The session of one request: one transaction, for the company of the caller's token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import asyncpg
from fastapi import Depends, Request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from atmr_common.database.engine import UNREACHABLE, Database
from atmr_common.database.tenancy import PLATFORM, Tenancy, of_company
from atmr_common.web.access import Authenticated
from atmr_common.web.idempotency import Repeatable
from atmr_common.web.identity import Identity, Role
from atmr_common.web.problems import ForbiddenError, InvalidError, UnavailableError

UNSTORABLE = frozenset({"22021", "22P05"})
HELD = frozenset({"55P03", "40P01"})
"""A lock that was not to be had in time, and a deadlock."""
AWAY = frozenset({"08", "57", "53"})
"""Classes of SQLSTATE: connection exception, operator intervention, insufficient resources."""


def tenancy_of(identity: Identity) -> Tenancy:
    """Whose rows the caller's requests may touch.

    Raises:
        ForbiddenError: for a token without a company that is not the platform's.

    """
    if identity.company_id is not None:
        return of_company(identity.company_id)
    if identity.role is not Role.SERVICE:
        raise ForbiddenError("This token belongs to no company.")
    return PLATFORM


async def request_session(request: Request, identity: Authenticated) -> AsyncIterator[AsyncSession]:
    """The session of one request; `app.state.committed` hears of its commit.

    Raises:
        InvalidError: for text that PostgreSQL cannot store (a NUL character).
        UnavailableError: when the database is away; a commit that was under way may stand.

    """
    database: Database = request.app.state.database
    try:
        async with database.transaction(tenancy_of(identity)) as session:
            repeatable: Repeatable | None = getattr(request.state, "repeatable", None)
            if repeatable is not None:
                await repeatable.begin(request.app.state.answers, session, identity)
            yield session
    except (DBAPIError, *UNREACHABLE) as error:
        raise problem_of(error) from error
    request.app.state.committed()


def problem_of(error: Exception) -> Exception:
    """The problem that a failure of the database is to a client, else the failure itself."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(origin, "sqlstate", None) or ""
    if state in UNSTORABLE:
        return InvalidError("A text holds a character that cannot be stored, such as NUL.")
    if state in HELD:
        return UnavailableError("Somebody else is changing this; nothing was committed, try again.")
    told_by_server = isinstance(error, DBAPIError | asyncpg.PostgresError) and state
    if not told_by_server or state[:2] in AWAY or getattr(error, "connection_invalidated", False):
        return UnavailableError("The database does not answer; ask again, with the same key.")
    return error


Session = Annotated[AsyncSession, Depends(request_session, scope="function")]
"""Scope "function": the commit comes before the answer leaves, not after."""
