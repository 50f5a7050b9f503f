"""Alembic's environment of the schema `dispatch`."""

from atmr_common.database.alembic_environment import run_migrations
from dispatch_api.tables import metadata

run_migrations(metadata)
