"""Ready only on a schema that this release can work with; a newer one is fine."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError


class SchemaReadiness:
    """Asks until the schema is there; then it is known, for no release takes anything back."""

    def __init__(self, url: str, *, package: str, schema: str) -> None:
        self._url = url
        self._package = package
        self._schema = schema
        self._current = False

    async def ready(self) -> str | None:
        """Why the schema cannot be used yet, or None."""
        from atmr_common.database.migrations import pending  # noqa: PLC0415  Alembic is slow to load

        if self._current:
            return None
        try:
            missing = await pending(self._url, package=self._package, schema=self._schema)
        except (SQLAlchemyError, OSError) as error:
            return f"PostgreSQL does not answer ({type(error).__name__})"
        self._current = missing is None
        return missing
