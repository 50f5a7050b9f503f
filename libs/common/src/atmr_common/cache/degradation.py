"""Whether a part works without Redis at the moment: a gauge, and one log line per change."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atmr_common.cache.metrics import CacheMetrics

_log = logging.getLogger(__name__)


class Degradation:
    """Of one part, such as `cache` or `rate_limits`."""

    def __init__(self, part: str, metrics: CacheMetrics) -> None:
        self.present = False
        self._part = part
        self._gauge = metrics.degraded.labels(part)
        self._answers = metrics.local_answers.labels(part)
        self._gauge.set(0)

    def count(self) -> None:
        """One operation was done by the local stand-in."""
        self._answers.inc()

    def begin(self, reason: str) -> None:
        """Redis did not answer, for `reason`."""
        self._answers.inc()
        if not self.present:
            self.present = True
            self._gauge.set(1)
            _log.warning("Redis is away: %s is local to this process. %s", self._part, reason)

    def end(self) -> bool:
        """Redis answered; whether that is a change."""
        if not self.present:
            return False
        self.present = False
        self._gauge.set(0)
        _log.info("Redis answers again: %s is shared.", self._part)
        return True
