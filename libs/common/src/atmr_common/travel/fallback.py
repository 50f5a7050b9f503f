"""Where the better source fails, the next one answers, and the answer says so."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from atmr_common.travel.port import TravelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atmr_common.travel.metrics import TravelMetrics
    from atmr_common.travel.port import Coordinate, TravelMatrix, TravelTimes

_log = logging.getLogger(__name__)


class WithFallback:
    """`primary`, or else the whole matrix from `fallback`: never a mixture of the two."""

    def __init__(self, primary: TravelTimes, fallback: TravelTimes, metrics: TravelMetrics) -> None:
        self._primary = primary
        self._fallback = fallback
        self._metrics = metrics
        self._degraded: str | None = None

    async def matrix(self, points: Sequence[Coordinate]) -> TravelMatrix:
        try:
            answer = await self._primary.matrix(points)
        except TravelUnavailableError as failure:
            self._note(failure.reason, failure.detail)
            self._metrics.fallbacks.labels(failure.reason).inc()
            return replace(await self._fallback.matrix(points), degraded=failure.reason)
        self._note(None, "")
        return answer

    async def aclose(self) -> None:
        try:
            await self._primary.aclose()
        finally:
            await self._fallback.aclose()

    def _note(self, reason: str | None, detail: str) -> None:
        """A change is logged once, not once per matrix."""
        if reason == self._degraded:
            return
        self._degraded = reason
        if reason is None:
            _log.info("Travel times come from the configured source again.")
        else:
            _log.warning("Travel times come from the fallback (%s). %s", reason, detail)
