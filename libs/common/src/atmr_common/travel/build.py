"""Travel times by setting: OSRM with the great-circle estimate behind it, or the estimate alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_common.runtime.clock import SystemClock
from atmr_common.travel.fallback import WithFallback
from atmr_common.travel.great_circle import GreatCircle
from atmr_common.travel.metrics import TravelMetrics
from atmr_common.travel.osrm import OsrmTravelTimes
from atmr_common.travel.osrm_client import OsrmClient
from atmr_common.travel.pair_cache import PairCache

if TYPE_CHECKING:
    import httpx
    from prometheus_client import CollectorRegistry

    from atmr_common.cache.port import Cache
    from atmr_common.runtime.clock import Clock
    from atmr_common.travel.port import TravelTimes
    from atmr_common.travel.settings import TravelSettings


def build_travel(
    settings: TravelSettings,
    *,
    cache: Cache,
    registry: CollectorRegistry,
    client: httpx.AsyncClient | None = None,
    clock: Clock | None = None,
) -> TravelTimes:
    """Once per service and registry; `aclose()` it at the end. `cache` and `client` stay yours."""
    if settings.osrm is None:
        return GreatCircle()
    metrics = TravelMetrics(registry)
    osrm = OsrmTravelTimes(
        settings.osrm,
        client=OsrmClient(settings.osrm, metrics, client=client),
        cache=PairCache(cache, settings.osrm, metrics, clock or SystemClock()),
        metrics=metrics,
    )
    return WithFallback(osrm, GreatCircle(), metrics)
