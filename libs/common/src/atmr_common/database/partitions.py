"""Partitions by day: made ahead, dropped when their retention is over, without stopping traffic.

A partition is made apart and then attached, and detached concurrently before it is dropped: either
lock lets reads and writes pass. There is no default partition; it would forbid both.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from atmr_common.database.asyncpg_connection import close, connect
from atmr_common.database.tenancy import OWNER

log = structlog.get_logger(__name__)

AHEAD = timedelta(days=7)
LOCK_TIMEOUT = "2s"
"""Rather give up, and try again later, than let others queue behind a lock that is waited for."""
DELETE_TIMEOUT_S = 300.0
SUFFIX = re.compile(r"_p(\d{8})$")
PRESENT = """
SELECT child.relname AS name, inhdetachpending AS pending FROM pg_inherits
JOIN pg_class child ON child.oid = inhrelid WHERE inhparent = $1::text::regclass
"""
ORPHANS = """
SELECT relname AS name FROM pg_class
WHERE relnamespace = $1::text::regnamespace AND relkind = 'r' AND NOT relispartition
  AND relname ~ ('^' || $2::text || '_p[0-9]{8}$')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyPartitions:
    """A table partitioned by ranges of one day in UTC of `column`; `keep` None keeps all."""

    column: sa.Column[datetime]
    keep: timedelta | None
    back: timedelta = timedelta(days=3)
    """Rows may be this much older than now when they are written."""

    @property
    def table(self) -> sa.Table:
        table = self.column.table
        if not isinstance(table, sa.Table):
            raise TypeError(f"{self.column} is no column of a table")
        return table


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionChange:
    """The names of what was made and dropped."""

    made: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


async def keep_partitions(url: str, plan: DailyPartitions, *, now: datetime) -> PartitionChange:
    """Make the partitions from `back` before `now` to a week ahead; drop what is out of retention.

    Of the oldest partition that is kept, rows out of retention are deleted.

    Safe to repeat, to interrupt and to run in several processes: one works, the others pass.

    Raises:
        asyncpg.PostgresError: when a lock is not to be had in time, or the login does not own the
            table; what was made so far stays.

    """
    name = plan.table.name
    async with _alone(url, plan.table) as connection:
        if connection is None:
            return PartitionChange()
        names = await _present(connection, plan.table)
        made = [
            each for day in _wanted(plan, now) if (each := partition_name(name, day)) not in names
        ]
        for each in made:
            await _make(connection, plan.table, each)
        outlived = [each for each in names if _outlived(plan, each, now)]
        for each in sorted(
            outlived, key=lambda each: not names[each]
        ):  # one may be pending at a time
            await _detach(connection, plan.table, each, pending=names[each])
        dropped = await _drop_detached(connection, plan, now)
        await _delete_outlived(connection, plan, now)
    if made or dropped:
        log.info("partitions", table=name, made=len(made), dropped=len(dropped))
    return PartitionChange(made=tuple(made), dropped=tuple(dropped))


async def _delete_outlived(connection: Any, plan: DailyPartitions, now: datetime) -> None:
    if plan.keep is not None:
        schema, table = plan.table.schema, plan.table.name
        delete = f'DELETE FROM "{schema}"."{table}" WHERE "{plan.column.name}" < $1'  # noqa: S608 (own names)
        await connection.execute(delete, now - plan.keep, timeout=DELETE_TIMEOUT_S)


def partition_name(table: str, day: date) -> str:
    """As `driver_position_p20260316`."""
    return f"{table}_p{day:%Y%m%d}"


def partition_day(name: str) -> date | None:
    """The day that a partition holds; None for a table that is none."""
    found = SUFFIX.search(name)
    return datetime.strptime(found[1], "%Y%m%d").replace(tzinfo=UTC).date() if found else None


def _wanted(plan: DailyPartitions, now: datetime) -> Sequence[date]:
    first, last = (now - plan.back).astimezone(UTC).date(), (now + AHEAD).astimezone(UTC).date()
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _outlived(plan: DailyPartitions, name: str, now: datetime) -> bool:
    """Whether even the youngest row that the partition may hold is out of retention."""
    day = partition_day(name)
    if day is None or plan.keep is None:
        return False
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    return end + plan.keep <= now and day < _wanted(plan, now)[0]


@asynccontextmanager
async def _alone(url: str, table: sa.Table) -> AsyncIterator[Any]:
    """A connection as the owner that alone works on the table's partitions; None when busy."""
    schema = table.schema or "public"
    connection = await connect(url, schema=schema, tenancy=OWNER, application="partitions")
    try:
        await connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        lock = zlib.crc32(f"{schema}.{table.name}".encode()), 0
        alone = await connection.fetchval(
            "SELECT pg_try_advisory_lock($1::bigint::bit(32)::int, $2::int)", *lock
        )
        yield connection if alone else None
    finally:
        await close(connection)


async def _present(connection: Any, table: sa.Table) -> dict[str, bool]:
    """The attached partitions; True for one whose detachment was interrupted."""
    rows = await connection.fetch(PRESENT, f"{table.schema}.{table.name}")
    return {row["name"]: row["pending"] for row in rows}


async def _make(connection: Any, table: sa.Table, name: str) -> None:
    day = partition_day(name)
    if day is None:
        raise ValueError(f"{name} names no day")
    parent = f'"{table.schema}"."{table.name}"'
    async with connection.transaction():
        child = f'"{table.schema}"."{name}"'
        await connection.execute(f"CREATE TABLE {child} (LIKE {parent} INCLUDING ALL)")
        await connection.execute(
            f"ALTER TABLE {parent} ATTACH PARTITION {child} FOR VALUES"
            f" FROM ('{day}T00:00:00Z') TO ('{day + timedelta(days=1)}T00:00:00Z')"
        )


async def _detach(connection: Any, table: sa.Table, name: str, *, pending: bool) -> None:
    how = "FINALIZE" if pending else "CONCURRENTLY"
    schema = table.schema
    await connection.execute(
        f'ALTER TABLE "{schema}"."{table.name}" DETACH PARTITION "{schema}"."{name}" {how}'
    )


async def _drop_detached(connection: Any, plan: DailyPartitions, now: datetime) -> list[str]:
    """Drop what was detached, now or before an interruption."""
    schema = plan.table.schema
    rows = await connection.fetch(ORPHANS, schema, plan.table.name)
    names = [row["name"] for row in rows if _outlived(plan, row["name"], now)]
    for name in names:
        await connection.execute(f'DROP TABLE "{schema}"."{name}"')
    return names
