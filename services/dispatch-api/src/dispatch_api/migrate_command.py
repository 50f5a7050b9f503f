"""`atmr migrate`: bring the service's schema to this release, before its processes start."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from atmr_common.database.migrations import PATIENCE_S, MigrationBlockedError, pending, upgrade
from atmr_common.runtime.crash_points import CrashPoints
from atmr_common.runtime.service_process import ConfigurationError, read_settings
from dispatch_api.schema import SCHEMA
from dispatch_api.settings import DispatchSettings

PACKAGE = "dispatch_api"


def command(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 when the schema is behind.")
    ] = False,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for tables that are in use.")
    ] = PATIENCE_S,
) -> None:
    """Migrate the schema of DATABASE_URL; processes of the last release go on meanwhile."""
    try:
        settings = read_settings(DispatchSettings)
        behind = asyncio.run(_behind(settings) if check else _migrate(settings, patience))
    except (ConfigurationError, MigrationBlockedError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    except (OSError, SQLAlchemyError) as error:
        cause = getattr(error, "orig", None) or error
        typer.echo(f"The database of DATABASE_URL cannot be used: {cause}", err=True)
        raise typer.Exit(2) from None
    typer.echo(behind or f"The schema {SCHEMA} is up to date.", err=behind is not None)
    if behind:
        raise typer.Exit(1)


async def _behind(settings: DispatchSettings) -> str | None:
    url = settings.database_url.get_secret_value()
    return await pending(url, package=PACKAGE, schema=SCHEMA)


async def _migrate(settings: DispatchSettings, patience_s: float) -> None:
    url = settings.database_url.get_secret_value()
    crash = CrashPoints.from_setting(settings.crash_at, environment=settings.environment)
    await upgrade(url, package=PACKAGE, schema=SCHEMA, patience_s=patience_s, crash=crash)
