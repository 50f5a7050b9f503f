"""What the database refuses is told without what was to be stored."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from atmr_common.database.engine import Database
from atmr_common.database.tenancy import OWNER


async def test_an_error_does_not_carry_what_was_to_be_stored(database_url: str) -> None:
    database = Database(database_url, schema="dispatch")
    query = sa.text("SELECT 1 / length('') WHERE CAST(:name AS text) <> ''")
    with pytest.raises(DBAPIError, match="division by zero") as refused:
        async with database.transaction(OWNER) as session:
            await session.execute(query, {"name": "Eleonore Secret"})
    await database.aclose()
    assert "Eleonore" not in str(refused.value)
