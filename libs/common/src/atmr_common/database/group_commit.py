"""Group commit: what arrives while a transaction is under way shares the next one.

A commit costs a flush to disk however much it holds. One item alone is written at once; while a
transaction is under way, others gather, until they are many or it takes long.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import asyncpg
import structlog

from atmr_common.database import asyncpg_connection

log = structlog.get_logger(__name__)

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
LOST = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what asyncpg says of a connection that ends amid a statement
)
"""How a connection that is gone shows."""
REOPEN_S = 0.25
MANY = 10
"""As many as wait for a second writer, which would otherwise take the first one that arrives."""
LONG_S = 0.015
"""A transaction of this length (a row is held, the disk is busy) keeps nobody else waiting."""


class NotWritingError(Exception):
    """No writer is connected, or too much waits: nothing was done, another way may be tried."""


class OutcomeUnknownError(Exception):
    """The connection was lost while the transaction was being committed: it may have been."""


class Waiting(NamedTuple):
    """An item and who waits for its outcome."""

    item: Any
    outcome: asyncio.Future[Any]


class GroupCommit(Generic[Item, Outcome]):
    """Writes items in transactions of at most `most`, by `writers` that take turns.

    `commit(connection, items)` does one transaction and answers with one outcome per item; what it
    raises is raised to each one's submitter. At most `waiting` items wait.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Any]],
        commit: Callable[[Any, Sequence[Item]], Awaitable[Sequence[Outcome]]],
        *,
        writers: int = 2,
        most: int = 64,
        waiting: int = 2_000,
    ) -> None:
        self._connect = connect
        self._commit = commit
        self._writers = writers
        self._most = most
        self._limit = waiting
        self._queue: deque[Waiting] = deque()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._connected = 0
        self._away = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def writing(self) -> bool:
        """Whether an item that is submitted now would be written."""
        return self._connected > 0 and len(self._queue) < self._limit

    async def submit(self, item: Item) -> Outcome:
        """The outcome of `item`, when its transaction has ended.

        Raises:
            NotWritingError: when it was not even tried.
            OutcomeUnknownError: when nobody can say whether it was committed.

        """
        if not self.writing:
            raise NotWritingError
        waiting = Waiting(item, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._wake()
        outcome: Outcome = await waiting.outcome
        return outcome

    async def run(self) -> None:
        """Write until cancelled; what is under way then is ended first."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._writers):
                group.create_task(self._write())

    async def drain(self) -> None:
        """Wait until nobody waits, or nobody writes."""
        while self._connected and (open_ones := self._open_outcomes()):
            await asyncio.wait(open_ones)

    def _open_outcomes(self) -> list[asyncio.Future[Any]]:
        return [each.outcome for each in self._queue if not each.outcome.done()]

    async def _write(self) -> None:
        while True:
            try:
                connection = await self._connect()
            except (*LOST, asyncpg.PostgresError) as error:
                self._note(away=True, error=error)
                await asyncio.sleep(REOPEN_S)
                continue
            self._note(away=False)
            self._connected += 1
            try:
                await self._write_with(connection)
            finally:
                self._connected -= 1
                if not self._connected:
                    self._turn_away()
                await asyncio.shield(asyncpg_connection.close(connection))

    def _note(self, *, away: bool, error: Exception | None = None) -> None:
        """One line for an outage, and one for its end."""
        if away and not self._away:
            log.warning("group commit waits for the database", error=error)
        elif self._away and not away:
            log.info("group commit has its database again")
        self._away = away

    async def _write_with(self, connection: Any) -> None:
        """Returns when the connection is lost."""
        while not connection.is_closed():
            if not self._queue:
                await self._until_woken()
            batch = [self._queue.popleft() for _ in range(min(self._most, len(self._queue)))]
            if batch:
                await self._settle(connection, batch)

    async def _settle(self, connection: Any, batch: Sequence[Waiting]) -> None:
        work = asyncio.ensure_future(self._commit(connection, [each.item for each in batch]))
        try:
            outcomes = await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait({work})  # a transaction under way is not cut off
            _tell(batch, work)
            raise
        except Exception:  # noqa: BLE001 (told to whoever waits)
            _tell(batch, work)
            return
        for each, outcome in zip(batch, outcomes, strict=True):
            if not each.outcome.done():
                each.outcome.set_result(outcome)

    async def _until_woken(self) -> None:
        idle = asyncio.get_running_loop().create_future()
        self._idle.append(idle)
        try:
            await idle
        finally:
            if not idle.done() or idle.cancelled():
                self._idle.remove(idle)

    def _wake(self) -> None:
        """One writer is enough, unless many wait, or for long."""
        nobody_writes = len(self._idle) == self._connected
        if self._idle and (nobody_writes or len(self._queue) >= MANY):
            self._idle.popleft().set_result(None)
        elif self._idle and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LONG_S, self._help)

    def _help(self) -> None:
        self._timer = None
        if self._queue and self._idle:
            self._idle.popleft().set_result(None)

    def _turn_away(self) -> None:
        while self._queue:
            waiting = self._queue.popleft()
            if not waiting.outcome.done():
                waiting.outcome.set_exception(NotWritingError())


def _tell(batch: Sequence[Waiting], work: asyncio.Future[Any]) -> None:
    error = work.exception()
    outcomes = [None] * len(batch) if error else work.result()
    for each, outcome in zip(batch, outcomes, strict=True):
        if each.outcome.done():
            continue
        if error is None:
            each.outcome.set_result(outcome)
        else:
            each.outcome.set_exception(error)
