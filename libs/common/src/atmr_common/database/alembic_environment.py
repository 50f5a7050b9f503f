"""What a service's `migrations/env.py` does: run on the connection that it was handed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from alembic import context
from sqlmodel.sql.sqltypes import AutoString

if TYPE_CHECKING:
    from sqlalchemy import MetaData

PARTITION = re.compile(r"_p\d{8}$")


def run_migrations(metadata: MetaData) -> None:
    """Run the revisions asked for, within the schema named in the configuration."""
    attributes = context.config.attributes
    schema = attributes["schema"]

    def ours(name: str | None, kind: str, _: Any) -> bool:
        if kind == "table":
            return not PARTITION.search(name or "")  # made and dropped as the days go by
        return name == schema if kind == "schema" else True

    context.configure(
        connection=attributes["connection"],
        target_metadata=metadata,
        version_table_schema=schema,
        include_schemas=True,
        include_name=ours,
        compare_type=True,
        render_item=_plain_strings,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


def _plain_strings(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Revisions name SQLAlchemy's types only, so that they outlive SQLModel's."""
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    return False
