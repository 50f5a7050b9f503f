"""Micro-batches: what arrives within one tick of the event loop is computed together at its end.

Nothing waits for company longer than one more look at the sockets. It runs on the loop's thread,
since a hop to another costs more than a small model's run, and it bounds how long it keeps the
loop.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from rl_inference.dataplane.asking import Answer, Ask, Batch
from rl_inference.dataplane.lane import Lane
from rl_inference.dataplane.statistics import Statistics
from rl_inference.errors import (
    ComputationError,
    DataPlaneError,
    ExpiredError,
    InvalidInputError,
    OverloadedError,
)
from rl_inference.models.loaded import LoadedModel

SOONEST_RETRY_S = 0.01
"""An overloaded server is not asked again earlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """How much may wait, and how long the loop is kept."""

    queued_rows: int = 4096
    """Of one model; a single request of more is still taken when nothing waits."""
    batches_per_tick: int = 4
    batch_s: float = 0.002
    """No request joins a batch that would then take longer, at the pace of the last ones."""
    tick_ns: int = 1_500_000
    """No other batch begins in a tick after this: who finds the queue full is to be told soon."""


class Delivery(Protocol):
    """Where answers wait to be sent together; it is told of each tick, and never raises."""

    def hold(self) -> None:
        """A tick begins: it keeps the loop, and tells of what it computes as it goes."""

    def release(self) -> None:
        """It is over."""


class Batcher:
    """Queues requests by model, and computes them; one for each event loop."""

    __slots__ = (
        "_active",
        "_deliveries",
        "_drained",
        "_lanes",
        "_limits",
        "_looked",
        "_loop",
        "_now",
        "_scheduled",
        "_statistics",
        "_stopwatch",
        "_usual",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        statistics: Statistics,
        limits: BatchLimits,
        *,
        stopwatch: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self._loop = loop
        self._now = loop.time
        self._statistics = statistics
        self._limits = limits
        self._stopwatch = stopwatch
        self._lanes: dict[int, Lane] = {}
        self._active: deque[Lane] = deque()
        self._deliveries: list[Delivery] = []
        self._drained: list[asyncio.Future[None]] = []
        self._scheduled = False
        self._usual = 0
        self._looked = False

    def submit(self, ask: Ask) -> None:
        """Queue a request; its `done` is called from a later turn of the loop.

        Raises:
            InvalidInputError: for no rows, or more than a batch of the model may have.
            OverloadedError: when too many rows wait already, or for longer than it has time.

        """
        lane = self._lanes.get(id(ask.model))
        if lane is None:
            lane = self._new_lane(ask.model)
        if not 0 < ask.rows <= (ask.model.max_batch_size or ask.rows):
            raise InvalidInputError(
                f"{ask.rows} rows were sent; {ask.model.name} takes 1 to {ask.model.max_batch_size}"
            )
        ask.asked_at = self._now()
        if lane.rows and (
            lane.rows + ask.rows > self._limits.queued_rows or lane.is_too_long_for(ask)
        ):
            raise self._overload(lane, ask)
        if not lane.asks:
            self._active.append(lane)
        lane.add(ask)
        if not self._scheduled:
            self._schedule()

    def tell(self, delivery: Delivery) -> None:
        """Tell it of each tick from now on."""
        self._deliveries.append(delivery)

    async def drain(self) -> None:
        """Return when nothing waits any more."""
        while self._active:
            empty = self._loop.create_future()
            self._drained.append(empty)
            await empty

    @property
    def waiting_rows(self) -> int:
        """Rows that wait, of all models."""
        return sum(lane.rows for lane in self._active)

    def _new_lane(self, model: LoadedModel) -> Lane:
        """A lane that lives as long as its model."""
        key = id(model)
        lane = Lane(model, self._statistics.of(model.name, model.version), self._limits.batch_s)
        self._lanes[key] = lane
        weakref.finalize(model, self._lanes.pop, key, None).atexit = False
        return lane

    def _schedule(self) -> None:
        self._scheduled = True
        self._loop.call_soon(self._tick)

    def _tick(self) -> None:
        """Compute a few batches and have their answers sent; the rest in the next tick."""
        self._scheduled = False
        if self._looks_again():
            self._schedule()
            return
        for delivery in self._deliveries:
            delivery.hold()
        try:
            self._serve()
        finally:
            for delivery in self._deliveries:
                delivery.release()
            if self._active and not self._scheduled:
                self._schedule()
        if not self._active:
            drained, self._drained = self._drained, []
            for empty in drained:
                if not empty.done():
                    empty.set_result(None)

    def _serve(self) -> None:
        """Compute batches, in turn among the models, until it is time to look at the sockets."""
        ends = self._stopwatch() + self._limits.tick_ns
        for _ in range(self._limits.batches_per_tick):
            if not self._active:
                break
            self._serve_next()
            if self._stopwatch() >= ends:
                break

    def _looks_again(self) -> bool:
        """Whether fewer came than for the last tick: the others have their answers since just now.

        Asked again in the next turn, it is false: batches stay whole, and nobody waits for long.
        """
        came = sum(len(lane.asks) for lane in self._active)
        self._looked = came < self._usual and not self._looked
        if not self._looked:
            self._usual = came
        return self._looked

    def _serve_next(self) -> None:
        lane = self._active.popleft()
        now = self._now()
        batch, rows, expired = lane.take(now)
        if lane.asks:  # before anything is answered: `done` may submit again
            self._active.append(lane)
        for ask in expired:
            lane.counts.expired_count += 1
            self._fail(lane, ask, ExpiredError("the deadline passed before it was computed"))
        if batch:
            began = self._stopwatch()
            self._compute(lane, batch, rows)
            lane.measure((self._stopwatch() - began) / 1e9, rows)

    def _compute(self, lane: Lane, batch: list[Ask], rows: int) -> None:
        """Compute a batch and hand out its answers; an error is each request's own."""
        stopwatch = self._stopwatch
        began = stopwatch()
        names = _outputs(batch)
        try:
            inputs = batch[0].inputs if len(batch) == 1 else lane.stack.stacked(batch, rows)
            stacked = stopwatch()
            arrays = batch[0].model.session.run(inputs, names)
            computed = stopwatch()
            if lane.takes_batches:
                _require_rows(arrays, rows)
        except Exception as error:  # noqa: BLE001 (whatever it is, the others go on)
            self._compute_alone(lane, batch, error)
            return
        counts = lane.counts
        counts.count_batch(rows, computed - stacked)
        together = Batch(rows, (computed - stacked) / 1e9)
        queued_ns = self._hand_out(batch, names, arrays, together)
        ended, size = stopwatch(), len(batch)
        counts.success_count += size
        counts.queue_ns += queued_ns
        counts.input_ns += (stacked - began) * size
        counts.compute_ns += (computed - stacked) * size
        counts.output_ns += (ended - computed) * size
        counts.success_ns += (ended - began) * size + queued_ns

    def _compute_alone(self, lane: Lane, batch: list[Ask], error: Exception) -> None:
        """Compute each request of a failed batch by itself, so that only the bad one fails."""
        if len(batch) == 1:
            if not isinstance(error, DataPlaneError):
                error = ComputationError(f"it failed: {error}")
            self._fail(lane, batch[0], error)
            return
        for ask in batch:
            if not ask.cancelled:
                self._compute(lane, [ask], ask.rows)

    def _hand_out(
        self,
        batch: list[Ask],
        names: tuple[str, ...],
        arrays: list[NDArray[Any]],
        together: Batch,
    ) -> int:
        """Give each request its rows of its outputs; gives how long they all waited, in ns."""
        now, asked, start = self._now(), 0.0, 0
        whole = len(batch) == 1
        for ask in batch:
            asked += ask.asked_at
            stop = start + ask.rows
            mine = arrays if whole else [array[start:stop] for array in arrays]
            if ask.outputs != names:
                mine = [mine[names.index(name)] for name in ask.outputs]
            self._tell(ask, Answer(model=ask.model, outputs=mine, batch=together))
            start = stop
        return max(0, int((now * len(batch) - asked) * 1e9))

    def _fail(self, lane: Lane, ask: Ask, error: DataPlaneError) -> None:
        lane.counts.fail_count += 1
        lane.counts.fail_ns += max(0, int((self._now() - ask.asked_at) * 1e9))
        self._tell(ask, error)

    def _tell(self, ask: Ask, outcome: Answer | DataPlaneError) -> None:
        """Call `done`; a fault in it is the loop's to report, and nobody else's trouble."""
        if ask.cancelled:
            return
        try:
            ask.done(outcome)
        except Exception as error:  # noqa: BLE001 (the others are told, too)
            self._loop.call_exception_handler(
                {"message": "a request's `done` failed", "exception": error}
            )

    def _overload(self, lane: Lane, ask: Ask) -> OverloadedError:
        """The refusal, with the time that all that waits takes at the present pace."""
        lane.counts.rejected_count += 1
        lane.counts.fail_count += 1
        wait_s = sum(each.rows * each.seconds_per_row for each in self._active)
        return OverloadedError(
            f"{lane.rows} rows wait for {ask.model.name}; {self._limits.queued_rows} may,"
            f" and for {wait_s:.3f} s",
            retry_after_s=max(SOONEST_RETRY_S, wait_s),
        )


def _outputs(batch: list[Ask]) -> tuple[str, ...]:
    """Every output that one of them asked for, in order of first mention."""
    first = batch[0].outputs
    for ask in batch:
        if ask.outputs != first:
            return tuple(dict.fromkeys(name for each in batch for name in each.outputs))
    return first


def _require_rows(arrays: list[NDArray[Any]], rows: int) -> None:
    for array in arrays:
        if array.shape[0] != rows:
            raise ComputationError(f"the model gave {array.shape[0]} rows for {rows}")
