"""The OSRM adapter against an OSRM in this process: blocks, cache, limits, what is unreachable."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from support.fake_osrm import FakeOsrm, road_m, time_s
from support.osrm_bench import Bench, lonlat, places

from atmr_common.cache.memory import MemoryCache
from atmr_common.travel.metrics import TravelMetrics
from atmr_common.travel.osrm_client import OsrmClient
from atmr_common.travel.port import Coordinate


async def test_every_cell_is_the_one_of_its_own_pair() -> None:
    points = places(23)
    matrix = await Bench(block_size=5).travel.matrix(points)
    for i, origin in enumerate(points):
        for j, destination in enumerate(points):
            assert matrix.time_s[i, j] == time_s(lonlat(origin), lonlat(destination))
            metres = road_m(lonlat(origin), lonlat(destination))
            assert matrix.distance_km[i, j] == pytest.approx(metres / 1000)


async def test_no_request_passes_the_servers_limit() -> None:
    bench = Bench(FakeOsrm(max_table_size=10), block_size=10)
    await bench.travel.matrix(places(35))
    assert len(bench.server.requests) == 16
    assert bench.outcome("ok") == 16


async def test_what_is_known_is_not_asked_again() -> None:
    bench = Bench()
    points = places(12)
    fresh = await bench.travel.matrix(points)
    again = await bench.travel.matrix(points[::-1])
    assert len(bench.server.requests) == 1
    np.testing.assert_array_equal(again.time_s, fresh.time_s[::-1, ::-1])
    np.testing.assert_array_equal(again.distance_km, fresh.distance_km[::-1, ::-1])
    assert bench.sample("pairs_total", origin="cache") == 12 * 11


async def test_one_more_booking_asks_for_its_own_pairs() -> None:
    bench = Bench(block_size=10)
    points = places(42)
    await bench.travel.matrix(points[:40])
    before = bench.server.pairs_asked()
    await bench.travel.matrix([*points[:7], *points[40:], *points[7:40]])
    assert bench.server.pairs_asked() - before < 2 * (42 * 42 - 40 * 40)
    assert bench.sample("pairs_total", origin="osrm") == 42 * 41


async def test_points_within_a_metre_are_one_place() -> None:
    bench = Bench()
    await bench.travel.matrix([Coordinate(46.2, 6.1), Coordinate(46.21, 6.1)])
    await bench.travel.matrix([Coordinate(46.200001, 6.1), Coordinate(46.21, 6.099999)])
    assert len(bench.server.requests) == 1


@pytest.mark.parametrize(
    "change", [{"dataset": "geneva-2026-12"}, {"profile": "van"}, {"max_snap_m": 50}]
)
async def test_another_map_profile_or_limit_does_not_read_the_cache(
    change: dict[str, object],
) -> None:
    cache, points = MemoryCache(), places(5)
    await Bench(cache=cache).travel.matrix(points)
    other = Bench(cache=cache, **change)
    await other.travel.matrix(points)
    assert len(other.server.requests) == 1


async def test_a_row_that_is_completed_again_and_again_is_forgotten_all_the_same() -> None:
    bench = Bench(cache_ttl_s=100)
    points = places(6)
    for count in range(2, 7):
        await bench.travel.matrix(points[:count])
    bench.clock.advance(timedelta(seconds=101))
    before = bench.server.pairs_asked()
    await bench.travel.matrix(points)
    assert bench.server.pairs_asked() - before == 36


async def test_no_more_requests_at_once_than_allowed() -> None:
    under_way, most = 0, 0
    answer = FakeOsrm(max_table_size=4).answer

    async def count(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(5):
            await asyncio.sleep(0)
        under_way -= 1
        return answer(request)

    client = httpx.AsyncClient(transport=httpx.MockTransport(count))
    await Bench(client=client, block_size=4, concurrency=3).travel.matrix(places(20))
    assert most == 3


async def test_an_island_is_unreachable_and_still_where_it_is() -> None:
    points = places(4)
    server = FakeOsrm()
    server.islands = {lonlat(points[1])}
    bench = Bench(server)
    for matrix in (await bench.travel.matrix(points), await bench.travel.matrix(points)):
        reached = np.isfinite(matrix.time_s)
        assert reached[1].tolist() == reached[:, 1].tolist() == [False, True, False, False]
        assert reached[np.ix_([0, 2, 3], [0, 2, 3])].all()
        assert (reached == np.isfinite(matrix.distance_km)).all()
    assert len(server.requests) == 1


async def test_a_point_far_from_any_road_is_unreachable_and_counted() -> None:
    points = places(4)
    server = FakeOsrm()
    server.snap_m = {lonlat(points[2]): 300.1, lonlat(points[3]): 300.0}
    bench = Bench(server, max_snap_m=300)
    matrix = await bench.travel.matrix(points)
    assert np.isinf(matrix.time_s[2, [0, 1, 3]]).all()
    assert np.isinf(matrix.time_s[[0, 1, 3], 2]).all()
    assert np.isfinite(matrix.time_s[3, :2]).all()
    assert bench.sample("off_map_points_total") == 2  # as an origin and as a destination


async def test_a_negative_pair_is_asked_for_again_as_a_route() -> None:
    points = places(4)
    server = FakeOsrm()
    pair = lonlat(points[0]), lonlat(points[3])
    server.negative = {pair}
    bench = Bench(server)
    matrix = await bench.travel.matrix(points)
    assert matrix.time_s[0, 3] == time_s(*pair)
    assert matrix.distance_km[0, 3] == pytest.approx(road_m(*pair) / 1000)
    assert bench.sample("negative_pairs_total") == 1
    assert [url.path.split("/")[1] for url in server.requests] == ["table", "route"]


async def test_a_negative_pair_without_a_route_is_unreachable() -> None:
    points = places(4)
    server = FakeOsrm()
    server.negative = {(lonlat(points[0]), lonlat(points[3]))}
    server.no_route = True
    matrix = await Bench(server).travel.matrix(points)
    unreachable = np.argwhere(np.isinf(matrix.time_s)).tolist()
    assert unreachable == np.argwhere(np.isinf(matrix.distance_km)).tolist() == [[0, 3]]


async def test_closes_its_own_connections_and_no_others() -> None:
    bench = Bench(client=(theirs := httpx.AsyncClient()))
    await bench.travel.aclose()
    assert not theirs.is_closed
    await theirs.aclose()
    own = OsrmClient(bench.settings, TravelMetrics(CollectorRegistry()))
    await own.aclose()
    assert own._client.is_closed


async def test_a_visit_elsewhere_does_not_make_it_forget_what_it_knew() -> None:
    bench = Bench()
    points = places(12)
    await bench.travel.matrix(points[:8])
    await bench.travel.matrix([points[0], *points[8:]])
    asked = len(bench.server.requests)
    await bench.travel.matrix(points[:8])
    assert len(bench.server.requests) == asked


async def test_a_negative_time_alone_is_asked_for_again_too() -> None:
    bench = Bench()
    snapped = [{"distance": 0.0}, {"distance": 0.0}]
    answer = {"durations": [[0, -0.1], [5, 0]], "distances": [[0, 0.1], [50, 0]]}
    bench.server.faults = [
        httpx.Response(200, json={**answer, "sources": snapped, "destinations": snapped})
    ]
    matrix = await bench.travel.matrix(places(2))
    assert matrix.time_s[0, 1] > 0
    assert bench.sample("negative_pairs_total") == 1
