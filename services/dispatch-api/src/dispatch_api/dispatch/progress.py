"""A run's stages on their way to its row: seen within a moment, without a write for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import structlog

from dispatch_api.dispatch.errors import LOST
from dispatch_api.dispatch.schemas import StageRecord

log = structlog.get_logger(__name__)

EVERY_S = 0.25


class StageProgress:
    """The stages so far; `save` writes them down. A run that is quicker needs no write at all."""

    def __init__(self, save: Callable[[Sequence[StageRecord]], Awaitable[None]]) -> None:
        self.stages: list[StageRecord] = []
        self._save = save
        self._saved = 0

    def add(self, stage: StageRecord) -> None:
        self.stages.append(stage)

    @asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """Write new stages down from time to time within the block, and never after it."""
        ended = asyncio.Event()
        showing = asyncio.create_task(self._show(ended))
        try:
            yield
        finally:
            ended.set()
            await showing

    async def _show(self, ended: asyncio.Event) -> None:
        while not ended.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await ended.wait()
            if not ended.is_set() and self._saved < len(self.stages):
                await self._save_all()

    async def _save_all(self) -> None:
        stages = list(self.stages)
        try:
            await self._save(stages)
        except LOST as error:
            log.warning("a run's stages are not shown", because=type(error).__name__)
        else:
            self._saved = len(stages)
