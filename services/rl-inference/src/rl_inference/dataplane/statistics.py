"""What each version of each model has done since the start, in plain numbers.

Durations are nanoseconds; a batch's are counted once for each request in it, as Triton does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

MOST_GONE = 64


@dataclass(slots=True)
class BatchCounts:
    """Batches of one size."""

    count: int = 0
    compute_ns: int = 0


@dataclass(slots=True)
class Counts:
    """Of one version of a model; only ever added to, by the loop's thread."""

    inference_count: int = 0
    """Rows that were computed."""
    execution_count: int = 0
    """Batches that were computed."""
    success_count: int = 0
    success_ns: int = 0
    """From submission to answer."""
    fail_count: int = 0
    fail_ns: int = 0
    expired_count: int = 0
    """Requests whose deadline passed while they waited; among the failures."""
    rejected_count: int = 0
    """Requests that found the queue full; among the failures."""
    cancelled_count: int = 0
    """Requests that nobody waited for any more."""
    queue_ns: int = 0
    input_ns: int = 0
    compute_ns: int = 0
    output_ns: int = 0
    batches: dict[int, BatchCounts] = field(default_factory=dict)
    """By rows."""

    def count_batch(self, rows: int, compute_ns: int) -> None:
        """Add a batch that was computed."""
        self.inference_count += rows
        self.execution_count += 1
        counts = self.batches.get(rows)
        if counts is None:
            counts = self.batches[rows] = BatchCounts()
        counts.count += 1
        counts.compute_ns += compute_ns


class Statistics:
    """The counts by name and version; a version that was reloaded goes on counting.

    Of versions that `is_of_interest` calls no more, the latest few are kept, so that their last
    requests are still seen.
    """

    __slots__ = ("_counts", "_is_of_interest")

    def __init__(self, is_of_interest: Callable[[str, int], bool] = lambda *_: True) -> None:
        self._counts: dict[tuple[str, int], Counts] = {}
        self._is_of_interest = is_of_interest

    def of(self, name: str, version: int) -> Counts:
        """The counts to add to, made at the first call."""
        found = self._counts.get((name, version))
        if found is None:
            gone = [key for key in self._counts if not self._is_of_interest(*key)]
            for key in gone[:-MOST_GONE]:
                del self._counts[key]
            found = self._counts[name, version] = Counts()
        return found

    def snapshot(
        self, name: str | None = None, version: int | None = None
    ) -> Iterator[tuple[str, int, Counts]]:
        """The counts of all, of one model, or of one version, in order."""
        for (counted, number), counts in sorted(self._counts.items(), key=lambda each: each[0]):
            if name in (None, counted) and version in (None, number):
                yield counted, number, counts
