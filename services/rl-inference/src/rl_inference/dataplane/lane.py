"""The requests that wait for one loaded model, and which of them go together next."""

from __future__ import annotations

from typing import NamedTuple

from rl_inference.dataplane.asking import Ask
from rl_inference.dataplane.stacking import Stack
from rl_inference.dataplane.statistics import Counts
from rl_inference.models.loaded import LoadedModel

_SMOOTHING = 0.1
"""Weight of the newest batch in the measured pace."""


class Taken(NamedTuple):
    """What left a lane: a batch in order, its rows, and whose deadline has passed."""

    batch: list[Ask]
    rows: int
    expired: list[Ask]


class Lane:
    """A queue by priority, then arrival.

    It does not hold the model: the requests do, so a model that was swapped out goes with the last.
    """

    __slots__ = (
        "_longest_s",
        "_most_rows",
        "_unordered",
        "asks",
        "counts",
        "rows",
        "seconds_per_row",
        "stack",
        "takes_batches",
    )

    def __init__(self, model: LoadedModel, counts: Counts, longest_s: float) -> None:
        self.asks: list[Ask] = []
        self.rows = 0
        """That wait, cancelled ones included until their turn comes."""
        self.counts = counts
        self.seconds_per_row = 0.0
        """As measured lately; 0 before the first batch."""
        self.takes_batches = model.max_batch_size > 0
        is_merged = self.takes_batches and model.batch_invariant
        self._most_rows = model.max_batch_size if is_merged else 0
        specs = model.session.inputs if is_merged else ()
        self.stack = Stack(specs, model.max_batch_size)
        self._unordered = False
        self._longest_s = longest_s

    def add(self, ask: Ask) -> None:
        """Append a request."""
        asks = self.asks
        if asks and ask.priority > asks[-1].priority:
            self._unordered = True
        asks.append(ask)
        self.rows += ask.rows

    def take(self, now: float) -> Taken:
        """Remove the next batch, and what need not be computed any more on the way to it."""
        if self._unordered:
            self.asks.sort(key=_urgency)
            self._unordered = False
        batch: list[Ask] = []
        expired: list[Ask] = []
        rows = index = gone = 0
        for index, ask in enumerate(self.asks):  # noqa: B007 (it is where the batch ends)
            if ask.cancelled:
                self.counts.cancelled_count += 1
            elif ask.ends_at <= now:
                expired.append(ask)
            elif batch and not self._joins(batch[0], ask, rows):
                break
            else:
                batch.append(ask)
                rows += ask.rows
            gone += ask.rows
        else:
            index += 1
        del self.asks[:index]
        self.rows -= gone
        return Taken(batch, rows, expired)

    def is_too_long_for(self, ask: Ask) -> bool:
        """Whether the deadline will pass while others are computed; who goes first finds a way."""
        return ask.priority <= 0 and (ask.asked_at + self.rows * self.seconds_per_row > ask.ends_at)

    def measure(self, seconds: float, rows: int) -> None:
        """Take note of how long a batch took, from its inputs to the last answer."""
        pace = seconds / rows
        known = self.seconds_per_row
        self.seconds_per_row = known + _SMOOTHING * (pace - known) if known else pace

    def _joins(self, first: Ask, ask: Ask, rows: int) -> bool:
        """Whether `ask` goes into the batch of `first`, which has `rows` already."""
        together = rows + ask.rows
        if together > self._most_rows or together * self.seconds_per_row > self._longest_s:
            return False
        return self.stack.uniform or _inner_shapes(first) == _inner_shapes(ask)


def _urgency(ask: Ask) -> int:
    return -ask.priority


def _inner_shapes(ask: Ask) -> list[tuple[int, ...]]:
    return [array.shape[1:] for array in ask.inputs.values()]
