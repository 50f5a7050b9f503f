"""The OSRM adapter against an OSRM in this process: blocks, cache, retries, breaker, limits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from support.fake_osrm import FakeOsrm, road_m, time_s

from atmr_common.cache.memory import MemoryCache
from atmr_common.cache.port import Cache, CacheUnavailableError
from atmr_common.runtime.clock import FixedClock
from atmr_common.travel.metrics import TravelMetrics
from atmr_common.travel.osrm import OsrmTravelTimes
from atmr_common.travel.osrm_client import OsrmClient
from atmr_common.travel.pair_cache import PairCache
from atmr_common.travel.port import Coordinate, TravelUnavailableError
from atmr_common.travel.settings import OsrmSettings


class Bench:
    """The adapter with everything that it is given in the test's hand."""

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


async def test_a_block_that_the_server_refuses_names_the_remedy_and_is_not_tried_again() -> None:
    bench = Bench(FakeOsrm(max_table_size=10), block_size=20)
    failure = await unavailable(bench, places(35))
    assert failure.reason == "osrm_refused"
    assert "--max-table-size" in failure.detail
    assert "http://osrm.test" in failure.detail
    assert (len(bench.server.requests), bench.outcome("refused")) == (1, 1)


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


class BrokenCache(MemoryCache):
    async def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        raise CacheUnavailableError(f"no answer for {len(list(keys))} keys")

    async def set_many(self, values: Mapping[str, bytes], ttl_s: float) -> None:
        raise CacheUnavailableError(f"{len(values)} values not kept for {ttl_s} s")


async def test_a_cache_that_is_away_is_counted_and_does_no_harm() -> None:
    bench = Bench(cache=BrokenCache())
    matrix = await bench.travel.matrix(places(4))
    assert np.isfinite(matrix.time_s).all()
    assert bench.sample("cache_failures_total") == 3


async def test_a_passing_failure_is_tried_again_after_a_growing_pause() -> None:
    bench = Bench()
    bench.server.faults = [httpx.Response(503), httpx.ReadError("reset")]
    matrix = await bench.travel.matrix(places(4))
    assert np.isfinite(matrix.time_s).all()
    assert bench.naps == [0.5, 1.0]
    assert [bench.outcome(name) for name in ("server_error", "unreachable", "ok")] == [1, 1, 1]
    assert bench.sample("osrm_request_seconds_count") == 3


@pytest.mark.parametrize(
    ("fault", "outcome", "reason"),
    [
        (httpx.Response(500), "server_error", "osrm_unavailable"),
        (httpx.Response(429), "server_error", "osrm_unavailable"),
        (httpx.ConnectError("refused"), "unreachable", "osrm_unavailable"),
        (httpx.Response(200, text="<html>"), "invalid", "osrm_invalid_answer"),
        (httpx.Response(200, json={"code": "Ok"}), "invalid", "osrm_invalid_answer"),
        (httpx.Response(302, headers={"location": "/x"}), "invalid", "osrm_invalid_answer"),
    ],
)
async def test_a_lasting_failure_is_unavailable_after_the_last_attempt(
    fault: httpx.Response | Exception, outcome: str, reason: str
) -> None:
    bench = Bench(attempts=2)
    bench.server.faults = [fault] * 2
    failure = await unavailable(bench, places(4))
    assert failure.reason == reason
    assert bench.outcome(outcome) == 2


def table(**changes: object) -> httpx.Response:
    """A right answer for two places, with changes that make it wrong."""
    numbers = [[0.0, 1.0], [2.0, 0.0]]
    snapped = [{"distance": 0.0}, {"distance": 1.0}]
    right = {"durations": numbers, "distances": numbers, "sources": snapped}
    return httpx.Response(200, json={"code": "Ok", **right, "destinations": snapped, **changes})


@pytest.mark.parametrize(
    "answer",
    [
        table(durations=[[0.0, 1.0]]),
        table(distances=[[0.0, 1.0], [2.0]]),
        table(durations=[[0.0, -1.0], [2.0, 0.0]]),
        table(durations=[["a", "b"], ["c", "d"]]),
        table(sources=[{"distance": 0.0}]),
        table(destinations=None),
    ],
)
async def test_an_answer_of_the_wrong_shape_is_not_used(answer: httpx.Response) -> None:
    bench = Bench(attempts=1)
    bench.server.faults = [answer]
    failure = await unavailable(bench, places(2))
    assert failure.reason == "osrm_invalid_answer"


async def test_a_server_that_hangs_is_left_after_the_timeout() -> None:
    async def hang(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError(request)

    client = httpx.AsyncClient(transport=httpx.MockTransport(hang))
    bench = Bench(client=client, request_timeout_s=0.01, attempts=2)
    failure = await unavailable(bench, places(3))
    assert failure.reason == "osrm_unavailable"
    assert "0.01 s" in failure.detail
    assert bench.outcome("timeout") == 2


async def test_a_matrix_has_a_limit_of_its_own() -> None:
    async def hang(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError(request)

    client = httpx.AsyncClient(transport=httpx.MockTransport(hang))
    bench = Bench(client=client, request_timeout_s=60, total_timeout_s=0.01)
    failure = await unavailable(bench, places(3))
    assert failure.reason == "osrm_unavailable"
    assert "1 blocks did not come within 0.01 s" in failure.detail
    assert bench.outcome("cancelled") == 1


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


async def test_a_server_that_dies_between_two_blocks_gives_no_part_of_a_matrix() -> None:
    bench = Bench(block_size=5, attempts=1)

    def die_at_the_third() -> None:
        bench.server.down = len(bench.server.requests) >= 3

    bench.server.on_request = die_at_the_third
    failure = await unavailable(bench, places(20))
    assert failure.reason == "osrm_unavailable"
    assert bench.outcome("ok") == 2


async def test_the_circuit_opens_and_a_first_request_finds_out_that_it_is_back() -> None:
    bench = Bench(block_size=5, attempts=1, failure_threshold=2, reset_after_s=10, concurrency=4)
    points = places(20)
    bench.server.down = True
    for _ in range(2):
        await unavailable(bench, points)
    assert bench.sample("osrm_circuit", state="open") == 1
    asked = len(bench.server.requests)
    failure = await unavailable(bench, points)
    assert (len(bench.server.requests), failure.reason) == (asked, "osrm_unavailable")
    assert bench.outcome("circuit_open") == 1
    bench.server.down = False
    bench.seconds += 10
    matrix = await bench.travel.matrix(points)
    assert matrix.source == "osrm"
    assert bench.sample("osrm_circuit", state="closed") == 1
    assert bench.sample("osrm_circuit", state="open") == 0


async def test_what_the_cache_knows_is_answered_while_the_circuit_is_open() -> None:
    bench = Bench(attempts=1, failure_threshold=1)
    points = places(8)
    await bench.travel.matrix(points[:6])
    bench.server.down = True
    await unavailable(bench, points)
    assert bench.sample("osrm_circuit", state="open") == 1
    assert (await bench.travel.matrix(points[:6])).degraded is None


async def test_refusals_do_not_open_the_circuit() -> None:
    bench = Bench(FakeOsrm(max_table_size=1), failure_threshold=1)
    await unavailable(bench, places(4))
    assert bench.sample("osrm_circuit", state="closed") == 1


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


async def test_a_negative_distance_is_asked_for_again_as_a_route() -> None:
    points = places(4)
    server = FakeOsrm()
    pair = lonlat(points[0]), lonlat(points[3])
    server.negative = {pair}
    bench = Bench(server)
    matrix = await bench.travel.matrix(points)
    assert matrix.distance_km[0, 3] == pytest.approx(road_m(*pair) / 1000)
    assert bench.sample("negative_distances_total") == 1
    assert [url.path.split("/")[1] for url in server.requests] == ["table", "route"]


@pytest.mark.parametrize("routes", [[], [{"distance": -1.0}], None])
async def test_a_route_that_is_none_does_not_mend_a_distance(routes: object) -> None:
    points = places(2)
    server = FakeOsrm()
    server.negative = {(lonlat(points[0]), lonlat(points[1]))}

    def then_break() -> None:
        if len(server.requests) == 2:
            server.faults = [httpx.Response(200, json={"code": "Ok", "routes": routes})]

    server.on_request = then_break
    failure = await unavailable(Bench(server, attempts=1), points)
    assert failure.reason == "osrm_invalid_answer"


async def test_closes_its_own_connections_and_no_others() -> None:
    bench = Bench(client=(theirs := httpx.AsyncClient()))
    await bench.travel.aclose()
    assert not theirs.is_closed
    await theirs.aclose()
    own = OsrmClient(bench.settings, TravelMetrics(CollectorRegistry()))
    await own.aclose()
    assert own._client.is_closed
