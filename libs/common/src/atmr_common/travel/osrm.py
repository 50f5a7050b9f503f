"""Travel times from OSRM: what the cache knows, and blocks of requests for the rest."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from atmr_common.travel.osrm_client import UNAVAILABLE
from atmr_common.travel.pair_table import PairTable, blocks
from atmr_common.travel.port import TravelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from atmr_common.travel.metrics import TravelMetrics
    from atmr_common.travel.osrm_client import OsrmClient
    from atmr_common.travel.pair_cache import PairCache
    from atmr_common.travel.port import Coordinate, TravelMatrix
    from atmr_common.travel.settings import OsrmSettings

    Block = tuple[NDArray[np.int64], NDArray[np.int64]]

SOURCE = "osrm"


class OsrmTravelTimes:
    """Real roads, free flow: OSRM knows speeds and turns, but no traffic.

    A matrix is whole or fails: of a server that dies between two blocks nothing is used.
    """

    def __init__(
        self,
        settings: OsrmSettings,
        *,
        client: OsrmClient,
        cache: PairCache,
        metrics: TravelMetrics,
    ) -> None:
        self._settings = settings
        self._client = client
        self._cache = cache
        self._metrics = metrics

    async def matrix(self, points: Sequence[Coordinate]) -> TravelMatrix:
        table = PairTable(points)
        await self._cache.read(table)
        missing = table.missing
        pairs, unknown = missing.size - len(missing), int(missing.sum())
        self._metrics.pairs.labels("osrm").inc(unknown)
        self._metrics.pairs.labels("cache").inc(pairs - unknown)
        if unknown:
            await self._complete(table, list(blocks(missing, self._settings.block_size)))
            await self._cache.write(table, np.flatnonzero(missing.any(axis=1)).tolist())
        return table.matrix(SOURCE)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _complete(self, table: PairTable, wanted: list[Block]) -> None:
        limit_s = self._settings.total_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                await self._fetch_all(table, wanted)
        except TimeoutError as failure:
            detail = f"{len(wanted)} blocks did not come within {limit_s:g} s"
            raise TravelUnavailableError(UNAVAILABLE, detail) from failure

    async def _fetch_all(self, table: PairTable, wanted: list[Block]) -> None:
        """The first block alone: it finds out whether a server that was away is back."""
        await self._fetch(table, wanted[0])
        slots = asyncio.Semaphore(self._settings.concurrency)

        async def in_turn(block: Block) -> None:
            async with slots:
                await self._fetch(table, block)

        try:
            async with asyncio.TaskGroup() as group:
                for block in wanted[1:]:
                    group.create_task(in_turn(block))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _fetch(self, table: PairTable, block: Block) -> None:
        rows, columns = block
        answer = await self._client.table(
            table.places[rows].tolist(), table.places[columns].tolist()
        )
        table.put_block(rows, columns, answer.time_s, answer.distance_m)
