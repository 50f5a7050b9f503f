"""The OSRM adapter with everything that it is given in the test's hand."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from support.fake_osrm import FakeOsrm

from atmr_common.cache.memory import MemoryCache
from atmr_common.cache.port import Cache
from atmr_common.runtime.clock import FixedClock
from atmr_common.travel.metrics import TravelMetrics
from atmr_common.travel.osrm import OsrmTravelTimes
from atmr_common.travel.osrm_client import OsrmClient
from atmr_common.travel.pair_cache import PairCache
from atmr_common.travel.port import Coordinate, TravelUnavailableError
from atmr_common.travel.settings import OsrmSettings


class Bench:
    """Seconds stand still but for `seconds`, the date but for `clock`; pauses land in `naps`."""

    def __init__(
        self,
        server: FakeOsrm | None = None,
        *,
        cache: Cache | None = None,
        client: httpx.AsyncClient | None = None,
        **settings: object,
    ) -> None:
        self.server = server or FakeOsrm()
        self.registry = CollectorRegistry()
        self.clock = FixedClock(datetime(2026, 11, 21, tzinfo=UTC))
        self.seconds = 0.0
        self.naps: list[float] = []
        asked = {"url": "http://osrm.test/", "attempts": 3, "backoff_s": 0.5, **settings}
        self.settings = OsrmSettings.model_validate(asked)
        metrics = TravelMetrics(self.registry)
        self.travel = OsrmTravelTimes(
            self.settings,
            client=OsrmClient(
                self.settings,
                metrics,
                client=client or self.server.client(),
                clock=lambda: self.seconds,
                sleep=self._nap,
                jitter=lambda: 1.0,
            ),
            cache=PairCache(cache or MemoryCache(), self.settings, metrics, self.clock),
            metrics=metrics,
        )

    async def _nap(self, seconds: float) -> None:
        self.naps.append(seconds)

    def sample(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"atmr_travel_{name}", labels) or 0.0

    def outcome(self, name: str) -> float:
        return self.sample("osrm_requests_total", outcome=name)


def places(count: int, step: float = 0.001) -> list[Coordinate]:
    random = np.random.default_rng(count)
    lattice = random.permutation(1000)[:count]
    return [Coordinate(46.2 + step * (i % 31), 6.1 + step * (i // 31)) for i in lattice.tolist()]


def lonlat(point: Coordinate) -> tuple[float, float]:
    return round(point.lon, 5), round(point.lat, 5)


async def unavailable(bench: Bench, points: list[Coordinate]) -> TravelUnavailableError:
    with pytest.raises(TravelUnavailableError) as caught:
        await bench.travel.matrix(points)
    return caught.value
