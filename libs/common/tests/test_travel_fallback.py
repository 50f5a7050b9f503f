"""The fallback answers whole matrices, marks them, counts them, and logs each change once."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from atmr_common.cache.memory import MemoryCache
from atmr_common.travel.build import build_travel
from atmr_common.travel.fallback import WithFallback
from atmr_common.travel.metrics import TravelMetrics
from atmr_common.travel.port import Coordinate, TravelMatrix, TravelUnavailableError
from atmr_common.travel.settings import TravelSettings

POINTS = [Coordinate(46.2, 6.1), Coordinate(46.3, 6.2)]


class Source:
    """Answers the same time for every pair, or raises what it was told."""

    def __init__(self, name: str, time_s: float) -> None:
        self.name = name
        self.time_s = time_s
        self.failure: Exception | None = None
        self.closed = False

    async def matrix(self, points: Sequence[Coordinate]) -> TravelMatrix:
        if self.failure is not None:
            raise self.failure
        values = np.full((len(points), len(points)), self.time_s)
        np.fill_diagonal(values, 0)
        return TravelMatrix(values, values / 100, source=self.name)

    async def aclose(self) -> None:
        self.closed = True


class Pair:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.primary = Source("roads", 100.0)
        self.second = Source("estimate", 200.0)
        self.travel = WithFallback(self.primary, self.second, TravelMetrics(self.registry))

    def fallbacks(self, reason: str) -> float | None:
        return self.registry.get_sample_value("atmr_travel_fallbacks_total", {"reason": reason})


async def test_the_primary_answers_where_it_can() -> None:
    answer = await Pair().travel.matrix(POINTS)
    assert (answer.source, answer.degraded, answer.time_s[0, 1]) == ("roads", None, 100.0)


async def test_the_fallback_answers_with_the_reason_and_is_counted() -> None:
    pair = Pair()
    pair.primary.failure = TravelUnavailableError("roads_closed", "snow")
    answer = await pair.travel.matrix(POINTS)
    assert (answer.source, answer.degraded) == ("estimate", "roads_closed")
    assert answer.time_s.tolist() == [[0.0, 200.0], [200.0, 0.0]]
    await pair.travel.matrix(POINTS)
    assert pair.fallbacks("roads_closed") == 2


async def test_a_recovered_primary_answers_again_without_a_mark() -> None:
    pair = Pair()
    pair.primary.failure = TravelUnavailableError("roads_closed", "snow")
    await pair.travel.matrix(POINTS)
    pair.primary.failure = None
    answer = await pair.travel.matrix(POINTS)
    assert (answer.source, answer.degraded) == ("roads", None)
    assert pair.fallbacks("roads_closed") == 1


async def test_a_change_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="atmr_common.travel.fallback")
    pair = Pair()
    for failure in ("snow", "snow", None, None, "flood"):
        pair.primary.failure = TravelUnavailableError(failure, "seen") if failure else None
        await pair.travel.matrix(POINTS)
    levels = [record.levelname for record in caplog.records]
    assert levels == ["WARNING", "INFO", "WARNING"]
    assert "snow" in caplog.messages[0]
    assert "flood" in caplog.messages[2]


async def test_our_own_mistakes_are_not_hidden() -> None:
    pair = Pair()
    pair.primary.failure = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        await pair.travel.matrix(POINTS)


class StuckSource(Source):
    async def aclose(self) -> None:
        raise RuntimeError("stuck")


async def test_both_are_closed_even_where_the_first_refuses() -> None:
    second = Source("estimate", 200.0)
    travel = WithFallback(StuckSource("roads", 100.0), second, TravelMetrics(CollectorRegistry()))
    with pytest.raises(RuntimeError, match="stuck"):
        await travel.aclose()
    assert second.closed


async def test_without_an_osrm_the_estimate_is_the_configured_source() -> None:
    travel = build_travel(TravelSettings(), cache=MemoryCache(), registry=CollectorRegistry())
    answer = await travel.matrix(POINTS)
    await travel.aclose()
    assert (answer.source, answer.degraded) == ("great_circle", None)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="osrm_ulr"):
        TravelSettings.model_validate({"osrm_ulr": "http://osrm:5000"})
