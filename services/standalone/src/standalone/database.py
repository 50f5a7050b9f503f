"""The database of standalone: DATABASE_URL where it is set, else the embedded one; migrated."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from atmr_common.database.migrations import MigrationBlockedError, upgrade
from standalone.embedded_postgres import EmbeddedPostgres
from standalone.errors import DatabaseUnreachableError
from standalone.servers import ServerKind
from standalone.settings import StandaloneSettings

__all__ = ["DatabaseInUse", "migrate", "open_database"]


class DatabaseInUse:
    """Where the services find their data; `embedded` is None for a server of the user's own."""

    def __init__(self, url: str, embedded: EmbeddedPostgres | None) -> None:
        self.url = url
        self.embedded = embedded


@asynccontextmanager
async def open_database(
    settings: StandaloneSettings, announce: Callable[[str], None]
) -> AsyncIterator[DatabaseInUse]:
    if settings.database_url is not None and settings.database_url.get_secret_value():
        yield DatabaseInUse(settings.database_url.get_secret_value(), None)
        return
    async with EmbeddedPostgres(settings.data / "postgres", announce=announce) as embedded:
        yield DatabaseInUse(embedded.url, embedded)


async def migrate(database: DatabaseInUse, kinds: Sequence[ServerKind]) -> None:
    """Bring every server's schema to its newest revision."""
    try:
        for kind in kinds:
            if kind.package is None:
                continue
            await upgrade(database.url, package=kind.package, schema=kind.schema)
    except MigrationBlockedError as error:
        raise DatabaseUnreachableError(str(error)) from error
    except (OSError, SQLAlchemyError) as error:
        if database.embedded is not None:
            raise
        where = urlsplit(database.url).hostname or "its socket"
        raise DatabaseUnreachableError(
            f"The PostgreSQL server of DATABASE_URL ({where}) cannot be used: {error}. "
            f"Start it or correct DATABASE_URL; without it, an embedded server is used."
        ) from error
