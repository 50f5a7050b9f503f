"""Known pairs in the cache: one entry per origin, profile and dataset.

A row per origin, because a day's matrix has too many pairs for an entry each,
and a block would be lost with the first new booking. A cache that is away is
counted and does no harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_common.cache.port import CacheUnavailableError

if TYPE_CHECKING:
    from atmr_common.cache.port import Cache
    from atmr_common.runtime.clock import Clock
    from atmr_common.travel.metrics import TravelMetrics
    from atmr_common.travel.pair_table import PairTable
    from atmr_common.travel.settings import OsrmSettings

LAYOUT = 1  # of pair_table.CELL; another layout needs another number
MAX_CELLS_PER_ROW = 5_000


class PairCache:
    """Fills a table from the cache, and the cache from a table.

    A row is completed again and again, which would renew its life each time: the key carries the
    period of the clock's time instead, so that no answer lives longer than two of them.
    """

    def __init__(
        self,
        cache: Cache,
        settings: OsrmSettings,
        metrics: TravelMetrics,
        clock: Clock,
    ) -> None:
        self._cache = cache
        self._ttl_s = settings.cache_ttl_s
        self._metrics = metrics
        self._clock = clock
        self._prefix = (
            f"travel:osrm:{LAYOUT}:{settings.profile}:{settings.dataset}:{settings.max_snap_m:g}"
        )

    async def read(self, table: PairTable) -> None:
        keys = self._keys(table)
        for row, packed in (await self._entries(keys)).items():
            table.read_row(keys[row], packed)

    async def write(self, table: PairTable, rows: list[int]) -> None:
        """Keep what `rows` of the table know by now, beside what the cache knew of them."""
        wanted = set(rows)
        keys = {key: row for key, row in self._keys(table).items() if row in wanted}
        earlier = await self._entries(keys)
        packed = {
            key: table.pack_row(row, earlier.get(key, b""), MAX_CELLS_PER_ROW)
            for key, row in keys.items()
        }
        try:
            await self._cache.set_many(packed, self._ttl_s)
        except CacheUnavailableError:
            self._metrics.cache_failures.inc()

    async def _entries(self, keys: dict[str, int]) -> dict[str, bytes]:
        try:
            return await self._cache.get_many(keys)
        except CacheUnavailableError:
            self._metrics.cache_failures.inc()
            return {}

    def _keys(self, table: PairTable) -> dict[str, int]:
        period = int(self._clock.now().timestamp() // self._ttl_s)
        return {f"{self._prefix}:{period}:{place}": row for row, place in enumerate(table.places)}
