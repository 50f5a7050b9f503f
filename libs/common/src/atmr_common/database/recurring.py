"""Recurring work: what a service does by itself every so often, by one process at a time.

The leader holds an advisory lock; each start is claimed in the table `recurring_work`, so that one
occasion is never taken twice. Work may be begun again after a crash: it must bear that.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from atmr_common.database.asyncpg_connection import close, connect
from atmr_common.database.tenancy import PLATFORM

if TYPE_CHECKING:
    from atmr_common.runtime.clock import Clock

log = structlog.get_logger(__name__)

POLL_S = 1.0
RETRY = timedelta(minutes=1)
"""Work that failed is tried again after this long, or after its own interval if that is less."""
MAX_ERROR = 500
CLAIM = """
INSERT INTO {table} AS present (name, last_started_at) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET last_started_at = $2
WHERE present.last_started_at IS NULL OR present.last_started_at <= $3
   OR present.last_finished_at IS NULL OR present.last_finished_at < present.last_started_at
   OR (present.last_error IS NOT NULL AND present.last_started_at <= $4)
RETURNING name
"""
"""Due, interrupted by a crash (for only the leader asks), or failed long enough ago."""
FINISH = """
UPDATE {table} SET last_finished_at = greatest($2, last_started_at), last_seconds = $3,
    last_error = $4, runs = runs + 1, failures = failures + ($4::text IS NOT NULL)::int
WHERE name = $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecurringWork:
    """One row of a service's table of work; after downtime it is caught up on once."""

    name: str
    every: timedelta
    work: Callable[[], Awaitable[None]]


class RecurringMetrics:
    """Of the runs that this process made: take the maximum over all processes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.last_run = Gauge(
            "atmr_recurring_last_run_timestamp_seconds",
            "When the work ended last, well or not",
            ["name"],
            registry=registry,
        )
        self.last_success = Gauge(
            "atmr_recurring_last_success_timestamp_seconds",
            "When the work ended well last",
            ["name"],
            registry=registry,
        )
        self.seconds = Gauge(
            "atmr_recurring_last_seconds", "How long it took", ["name"], registry=registry
        )
        self.failures = Counter(
            "atmr_recurring_failures", "Runs that failed", ["name"], registry=registry
        )


class RecurringRunner:
    """Does the work of one service; several runners share it, one leads."""

    def __init__(
        self,
        url: str,
        table: sa.Table,
        works: Sequence[RecurringWork],
        *,
        clock: Clock,
        metrics: RecurringMetrics,
    ) -> None:
        if len({work.name for work in works}) < len(works):
            raise ValueError("two pieces of recurring work have one name")
        self._url = url
        self._schema = table.schema or "public"
        self._works = works
        self._clock = clock
        self._metrics = metrics
        name = f'"{self._schema}"."{table.name}"'
        self._claim_sql, self._finish_sql = CLAIM.format(table=name), FINISH.format(table=name)
        self._lock = zlib.crc32(f"{self._schema}.{table.name}".encode()) & 0x7FFF_FFFF

    async def run(self) -> None:
        """Work until cancelled; another runner takes over when this one's connection ends."""
        while True:
            try:
                async with self._leading() as connection:
                    while connection is not None:
                        await self._run_due(connection)
                        await asyncio.sleep(POLL_S)
            except Exception as error:  # noqa: BLE001 (the database is away: wait for it)
                log.warning("recurring work waits", because=error)
            await asyncio.sleep(POLL_S)

    async def run_due(self) -> list[str]:
        """Do what is due now, if no other runner leads; the names of what was done."""
        async with self._leading() as connection:
            return [] if connection is None else await self._run_due(connection)

    @asynccontextmanager
    async def _leading(self) -> AsyncIterator[Any]:
        """The leader's connection, or None where another process leads."""
        connection = await connect(
            self._url,
            schema=self._schema,
            tenancy=PLATFORM,
            application=f"{self._schema} recurring work",
        )
        try:
            lead = "SELECT pg_try_advisory_lock($1::int, 0)"
            yield connection if await connection.fetchval(lead, self._lock) else None
        finally:
            await close(connection)

    async def _run_due(self, connection: Any) -> list[str]:
        done = []
        for work in self._works:
            if await self._claimed(connection, work):
                await self._do(connection, work)
                done.append(work.name)
        return done

    async def _claimed(self, connection: Any, work: RecurringWork) -> bool:
        now = self._clock.now()
        retry = now - min(work.every, RETRY)
        row = await connection.fetchrow(self._claim_sql, work.name, now, now - work.every, retry)
        return row is not None

    async def _do(self, connection: Any, work: RecurringWork) -> None:
        started = time.perf_counter()
        error: str | None = None
        try:
            await _while_connected(connection, work)
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"[:MAX_ERROR]
            log.exception("recurring work failed", work=work.name)
        seconds = time.perf_counter() - started
        self._observe(work.name, seconds, error)
        finished = self._clock.now()
        await connection.execute(self._finish_sql, work.name, finished, seconds, error)

    def _observe(self, name: str, seconds: float, error: str | None) -> None:
        now = self._clock.now().timestamp()
        self._metrics.last_run.labels(name).set(now)
        self._metrics.seconds.labels(name).set(seconds)
        if error is None:
            self._metrics.last_success.labels(name).set(now)
        else:
            self._metrics.failures.labels(name).inc()


async def _while_connected(connection: Any, work: RecurringWork) -> None:
    """Do the work; stop it when the leader's connection ends, for another may begin it then."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work.work())

    def lost(_: object) -> None:
        loop.call_soon_threadsafe(task.cancel)

    connection.add_termination_listener(lost)
    try:
        await task
    except asyncio.CancelledError:
        if _is_stopping() or not connection.is_closed():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            raise
        raise ConnectionError("the leader's connection ended during the work") from None
    finally:
        connection.remove_termination_listener(lost)


def _is_stopping() -> bool:
    """Whether the runner itself was cancelled, which can come together with a lost connection."""
    runner = asyncio.current_task()
    return runner is not None and runner.cancelling() > 0
