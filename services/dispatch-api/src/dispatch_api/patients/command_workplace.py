"""What the commands of `atmr patients` work with, and how their failures are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import typer
from sqlalchemy.exc import SQLAlchemyError

from atmr_common.database.engine import UNREACHABLE, Database
from atmr_common.runtime.service_process import ConfigurationError, read_settings
from dispatch_api.patients.master_key import read_master_keys
from dispatch_api.patients.vault import PatientVault, SealError
from dispatch_api.schema import SCHEMA
from dispatch_api.settings import DispatchSettings

WRONG = 1
UNUSABLE = 2
CONNECTIONS = 2

Result = TypeVar("Result")


@dataclass(frozen=True)
class Workplace:
    """The database and the keys of the service, by its own settings."""

    database: Database
    settings: DispatchSettings

    def vault(self) -> PatientVault:
        """Raises PatientKeyError, naming the remedy."""
        return PatientVault(read_master_keys(self.settings))


def at_work(body: Callable[[Workplace], Coroutine[Any, Any, Result]]) -> Result:
    """The result of `body`; what a person can repair is one sentence and an exit code."""
    try:
        return asyncio.run(_with_database(read_settings(DispatchSettings), body))
    except (ConfigurationError, SealError) as error:
        stop(str(error), UNUSABLE)
    except (SQLAlchemyError, *UNREACHABLE) as error:
        cause = getattr(error, "orig", None) or error
        stop(
            f"The database cannot be used ({type(cause).__name__}: {cause}). Is DATABASE_URL "
            "right, and was the service started once, which prepares it?",
            UNUSABLE,
        )


def stop(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)


async def _with_database(
    settings: DispatchSettings, body: Callable[[Workplace], Coroutine[Any, Any, Result]]
) -> Result:
    url = settings.database_url.get_secret_value()
    database = Database(url, schema=SCHEMA, pool_size=CONNECTIONS)
    try:
        return await body(Workplace(database, settings))
    finally:
        await database.aclose()
