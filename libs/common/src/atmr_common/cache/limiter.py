"""The port for rate limits, and the limiter of one process.

The generic cell rate algorithm (GCRA, ITU-T I.371): of a key only the moment is kept at which its
bucket will be full again, so a bucket costs one number, and refilling costs nothing.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_KEYS = 50_000


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `burst` at once, and `rate_per_s` in the long run."""

    rate_per_s: float
    burst: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.rate_per_s) and self.rate_per_s > 0 and self.burst >= 1):
            raise ValueError(
                f"A limit needs a positive rate and a burst of at least 1, not {self.rate_per_s}"
                f" per second and {self.burst}."
            )

    @property
    def interval_s(self) -> float:
        """Until one more is admitted."""
        return 1 / self.rate_per_s

    @property
    def full_after_s(self) -> float:
        """Until an empty bucket is full again."""
        return self.burst / self.rate_per_s


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to one request for admission."""

    allowed: bool
    remaining: int
    """How many more would be admitted at once; with a lease, as far as this process knows."""
    retry_after_s: float
    """Until one is admitted again; 0 where this one was."""
    reset_after_s: float
    """Until the bucket is full again."""
    local: bool = False
    """Whether only this process counted, because the shared counter is away."""


class Limiter(Protocol):
    """Admits or refuses by key. A limiter of a process never waits for another process's."""

    def try_take_local(self, key: str) -> Taken | None:
        """The answer where it is known without waiting; None: `take` must be asked.

        For code that cannot await, or must not pay for it.
        """
        ...

    async def take(self, key: str) -> Taken:
        """Admit or refuse one; CacheUnavailableError where the shared counter is away."""
        ...


class MemoryLimiter:
    """Counts in this process; `clock` counts seconds, any origin.

    It knows `most_keys` at most: the one unused for longest is forgotten, so begins anew.
    """

    def __init__(
        self,
        limit: Limit,
        *,
        clock: Callable[[], float] = time.monotonic,
        most_keys: int = MOST_KEYS,
    ) -> None:
        self._interval_s = limit.interval_s
        self._full_after_s = limit.full_after_s
        self._clock = clock
        self._most_keys = most_keys
        self._full_at_s: OrderedDict[str, float] = OrderedDict()

    def try_take_local(self, key: str) -> Taken:
        now = self._clock()
        full_at = max(self._full_at_s.get(key, now), now) + self._interval_s
        spare_s = self._full_after_s - (full_at - now)
        if spare_s < -1e-9 * self._full_after_s:  # rounding alone refuses nobody
            return Taken(False, 0, -spare_s, full_at - self._interval_s - now)
        self._full_at_s[key] = full_at
        self._full_at_s.move_to_end(key)
        if len(self._full_at_s) > self._most_keys:
            self._full_at_s.popitem(last=False)
        return Taken(True, int(spare_s / self._interval_s + 1e-6), 0.0, full_at - now)

    async def take(self, key: str) -> Taken:
        return self.try_take_local(key)
