"""What the relay says to PostgreSQL: typed SQL over asyncpg, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from atmr_common.bus.port import Message

COUNTED = 100_000
"""Waiting rows are counted up to here: a count of millions would itself be a burden."""


class OutboxBatch(NamedTuple):
    """Rows of the outbox as they are published: position and message at the same index."""

    positions: list[int]
    messages: list[Message]


class Standing(NamedTuple):
    """What waits in the slots that a relay leads; `oldest` is the `ce_time` of the first row."""

    waiting: int
    oldest: str | None


class OutboxStatements:
    """The statements for one schema's outbox."""

    def __init__(self, outbox: sa.Table) -> None:
        schema = f'"{outbox.schema}".' if outbox.schema else ""
        table = f'{schema}"{outbox.name}"'
        waits = "slot = ANY($1::smallint[]) AND refused IS NULL"
        self._oldest = (
            f"SELECT position, topic, key, headers, value,"  # noqa: S608 (names of our own tables)
            f" (SELECT max(number) FROM {schema}epoch) AS epoch"
            f" FROM {table} WHERE {waits} ORDER BY position LIMIT $2"
        )
        self._delete = (
            f"DELETE FROM {table} WHERE position = ANY(string_to_array($1, ',')::bigint[])"  # noqa: S608 (as above)
        )
        self._refuse = f"UPDATE {table} SET refused = $2 WHERE position = $1"  # noqa: S608 (as above)
        self._standing = (
            f"SELECT (SELECT count(*) FROM (SELECT FROM {table} WHERE {waits} LIMIT {COUNTED}) w),"  # noqa: S608 (as above)
            f" (SELECT headers ->> 'ce_time' FROM {table} WHERE {waits} ORDER BY position LIMIT 1)"
        )

    async def oldest(self, connection: Any, slots: Sequence[int], limit: int) -> OutboxBatch:
        """The oldest rows of `slots` in the order of their positions, with the epoch stamped.

        Epoch and rows are read at one moment: it is the epoch of the database that holds them.
        """
        rows = await connection.fetch(self._oldest, slots, limit)
        epoch = str((rows[0]["epoch"] if rows else 0) or 0)
        messages = []
        for _, topic, key, written, value, _ in rows:
            headers = orjson.loads(written)
            headers["ce_epoch"] = epoch
            messages.append(Message(topic=topic, key=key, value=value, headers=headers))
        return OutboxBatch([row[0] for row in rows], messages)

    async def delete(self, connection: Any, positions: Sequence[int]) -> None:
        # As one text: asyncpg looks at every element of an array, which costs a microsecond each.
        await connection.execute(self._delete, ",".join(map(str, positions)))

    async def refuse(self, connection: Any, position: int, reason: str) -> None:
        """Set a row aside: it stays for a person to read, and holds up nothing behind it."""
        await connection.execute(self._refuse, position, reason)

    async def standing(self, connection: Any, slots: Sequence[int]) -> Standing:
        return Standing(*await connection.fetchrow(self._standing, slots))
