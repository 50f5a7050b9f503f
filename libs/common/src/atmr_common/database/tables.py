"""What every service's tables share: their own schema, constraint names, column types."""

from __future__ import annotations

from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def service_metadata(schema: str) -> sa.MetaData:
    """Metadata of one service: its own schema, names that migrations can rely on."""
    return sa.MetaData(schema=schema, naming_convention=NAMING)


def enum_column(kind: type[Enum], *, name: str | None = None, length: int = 32) -> sa.Enum:
    """An enumeration stored as the text of its values, checked by the database.

    `name` tells apart the checks of a table that uses one enumeration twice.
    """
    return sa.Enum(
        kind,
        native_enum=False,
        length=length,
        create_constraint=True,
        name=name or kind.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )


def timestamp() -> Any:
    """`timestamptz`."""
    return sa.DateTime(timezone=True)


def json_column() -> Any:
    """`jsonb`."""
    return JSONB()
