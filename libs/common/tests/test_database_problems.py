"""What a failure of the database is to a client: to be asked again, or ours to mend."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError, InterfaceError

from atmr_common.database.engine import Database
from atmr_common.database.session import problem_of, request_session
from atmr_common.web.identity import Identity, Role
from atmr_common.web.problems import InvalidError, UnavailableError


def stated(sqlstate: str | None) -> DBAPIError:
    return DBAPIError("SELECT", {}, SimpleNamespace(sqlstate=sqlstate))


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("got result for unknown protocol state 3"),
        InterfaceError("SELECT", {}, Exception("connection is closed")),
        stated("57P01"),
        stated("53300"),
        stated("55P03"),
        stated("40P01"),
    ],
    ids=repr,
)
def test_what_passes_is_to_be_asked_again(error: Exception) -> None:
    assert isinstance(problem_of(error), UnavailableError)


def test_text_that_cannot_be_stored_is_the_clients() -> None:
    assert isinstance(problem_of(stated("22021")), InvalidError)


@pytest.mark.parametrize("state", ["23505", "42P01", "22012"])
def test_what_is_wrong_with_us_stays_an_error(state: str) -> None:
    error = stated(state)
    assert problem_of(error) is error


async def test_a_server_that_is_just_starting_is_unavailable(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its refusal comes past SQLAlchemy, which wraps only what a connection says."""

    async def refuse(*_: Any, **__: Any) -> Any:
        raise asyncpg.CannotConnectNowError("the database system is starting up")

    monkeypatch.setattr(asyncpg, "connect", refuse)
    database = Database(empty_database_url, schema="dispatch")
    app = FastAPI()
    app.state.database = database
    request = SimpleNamespace(app=app, state=SimpleNamespace())
    caller = Identity(subject="s", role=Role.SERVICE, company_id=None, granted=frozenset())
    session = request_session(request, caller)  # type: ignore[arg-type]
    with pytest.raises(UnavailableError):
        await anext(session)
    assert "PostgreSQL does not answer" in (await database.ready() or "")
    await database.aclose()
