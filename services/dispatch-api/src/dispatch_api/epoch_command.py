"""`atmr epoch`: which of its lives the database is in; a restore from a backup begins the next.

It works on the database directly, with the service's DATABASE_URL.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, NoReturn

import asyncpg
import typer
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from atmr_common.database.engine import Database
from atmr_common.database.epoch import Epoch, advance_epoch, read_epochs
from atmr_common.database.tenancy import PLATFORM
from atmr_common.runtime.clock import SystemClock
from atmr_common.runtime.service_process import ConfigurationError, read_settings
from dispatch_api import schema
from dispatch_api.settings import DispatchSettings

app = typer.Typer(
    name="epoch",
    help="The database's epoch, which every event carries; a restore from a backup advances it.",
    no_args_is_help=True,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("show")
def show(*, as_json: AsJson = False) -> None:
    """Show all epochs, the present one last."""

    async def read(session: AsyncSession) -> list[Epoch]:
        return await read_epochs(session, schema.epoch)

    _print(_within_transaction(read), as_json=as_json)


@app.command("advance")
def advance(
    *,
    reason: Annotated[str, typer.Option(help="Why, as 'restored from the backup of Monday'.")],
    as_json: AsJson = False,
) -> None:
    """Begin the next epoch: after a restore, before the services start again."""

    async def begin(session: AsyncSession) -> list[Epoch]:
        now = SystemClock().now()
        return [await advance_epoch(session, schema.epoch, reason=reason, now=now)]

    _print(_within_transaction(begin), as_json=as_json)


def _within_transaction(act: Callable[[AsyncSession], Awaitable[list[Epoch]]]) -> list[Epoch]:
    try:
        settings = read_settings(DispatchSettings)
        return asyncio.run(_act(settings.database_url.get_secret_value(), act))
    except (ConfigurationError, ValueError) as error:
        _stop(f"{error}")
    except (OSError, SQLAlchemyError, asyncpg.PostgresError) as error:
        _stop(
            f"The database of DATABASE_URL cannot be used ({type(error).__name__}): is it the"
            " service's, running, and migrated?"
        )


async def _act(url: str, act: Callable[[AsyncSession], Awaitable[list[Epoch]]]) -> list[Epoch]:
    database = Database(url, schema=schema.SCHEMA, pool_size=1)
    try:
        async with database.transaction(PLATFORM) as session:
            return await act(session)
    finally:
        await database.aclose()


def _print(epochs: list[Epoch], *, as_json: bool) -> None:
    rows = [
        {"number": each.number, "since": each.since.isoformat(), "reason": each.reason}
        for each in epochs
    ]
    if as_json:
        typer.echo(json.dumps({"epochs": rows}))
        return
    for row in rows:
        typer.echo(f"{row['number']:>4}  {row['since']}  {row['reason']}")


def _stop(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)
