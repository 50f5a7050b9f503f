"""An embedded PostgreSQL: the programs of a wheel, run as a child that never becomes an orphan."""

from standalone.embedded_postgres.errors import EmbeddedPostgresError
from standalone.embedded_postgres.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]
