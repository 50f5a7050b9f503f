"""Wakes the relays of other processes after a commit, at most once per interval.

Never inside the transaction: NOTIFY takes a lock of the whole server at commit and would halve
the rate of writing. A nudge that is lost costs a poll interval, nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
import structlog

log = structlog.get_logger(__name__)

INTERVAL_S = 0.005


def channel_of(outbox: sa.Table) -> str:
    """The name under which relays listen."""
    return f"{outbox.schema or 'public'}_{outbox.name}"


class CommitNotifier:
    """Sends `NOTIFY` on a connection of its own, which it opens when first needed."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], channel: str) -> None:
        self._connect = connect
        self._channel = channel
        self._connection: Any = None
        self._sending: asyncio.Task[None] | None = None
        self._again = False

    def notify(self) -> None:
        """Notify soon; returns at once."""
        self._again = True
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def aclose(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            with suppress(asyncio.CancelledError):
                await self._sending
        await self._drop()

    async def _send(self) -> None:
        while self._again:
            self._again = False
            try:
                if self._connection is None:
                    self._connection = await self._connect()
                await self._connection.execute("SELECT pg_notify($1, '')", self._channel)
            except Exception as error:  # noqa: BLE001 (the relay's poll finds what this would tell)
                log.debug("no nudge for the relay", because=type(error).__name__)
                await self._drop()
            await asyncio.sleep(INTERVAL_S)

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
