"""The data plane as the doors see it: find a model, ask it, be told; nothing of any protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from rl_inference.dataplane.asking import Answer, Ask
from rl_inference.dataplane.batcher import Batcher, BatchLimits
from rl_inference.dataplane.registry import Registry
from rl_inference.dataplane.statistics import Counts, Statistics
from rl_inference.errors import DataPlaneError
from rl_inference.models.loaded import LoadedModel
from rl_inference.tensors import Tensors


class DataPlane:
    """A registry, a batcher and what they count, on one event loop."""

    __slots__ = ("_loop", "batcher", "model", "ready", "registry", "statistics", "submit")

    def __init__(
        self,
        registry: Registry,
        *,
        limits: BatchLimits | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self.registry = registry
        self.statistics = Statistics(registry.remembers)
        self.batcher = Batcher(self._loop, self.statistics, limits or BatchLimits())
        self.model = registry.model
        self.ready = registry.ready
        self.submit = self.batcher.submit  # bound once: the hot path saves a call

    async def infer(
        self,
        model: LoadedModel,
        inputs: Tensors,
        outputs: tuple[str, ...],
        rows: int,
        ends_at: float,
        priority: int = 0,
    ) -> Answer:
        """Ask and wait; a caller that is cancelled takes its request back.

        Raises:
            DataPlaneError: as `Batcher.submit`, and when it expires or cannot be computed.

        """
        told: asyncio.Future[Answer] = self._loop.create_future()

        def done(outcome: Answer | DataPlaneError) -> None:
            if told.done():
                return
            if isinstance(outcome, Answer):
                told.set_result(outcome)
            else:
                told.set_exception(outcome)

        ask = Ask(
            model=model,
            inputs=inputs,
            outputs=outputs,
            rows=rows,
            done=done,
            ends_at=ends_at,
            priority=priority,
        )
        self.submit(ask)
        try:
            return await told
        finally:
            ask.cancelled = True  # of no effect once it was answered

    def counts(
        self, name: str | None = None, version: int | None = None
    ) -> Iterator[tuple[str, int, Counts]]:
        """The statistics of all, of a model, or of a version."""
        return self.statistics.snapshot(name, version)

    async def drain(self) -> None:
        """Return when every request is answered."""
        await self.batcher.drain()
