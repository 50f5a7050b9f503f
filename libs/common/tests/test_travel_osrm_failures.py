"""The OSRM adapter when OSRM fails: retries, timeouts, refusals, nonsense, the circuit breaker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import httpx
import numpy as np
import pytest
from support.fake_osrm import FakeOsrm
from support.osrm_bench import Bench, lonlat, places, unavailable

from atmr_common.cache.memory import MemoryCache
from atmr_common.cache.port import CacheUnavailableError


async def test_a_block_that_the_server_refuses_names_the_remedy_and_is_not_tried_again() -> None:
    bench = Bench(FakeOsrm(max_table_size=10), block_size=20)
    failure = await unavailable(bench, places(35))
    assert failure.reason == "osrm_refused"
    assert "--max-table-size" in failure.detail
    assert "http://osrm.test" in failure.detail
    assert (len(bench.server.requests), bench.outcome("refused")) == (1, 1)


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


async def test_a_route_that_is_refused_for_another_reason_leaves_no_matrix() -> None:
    points = places(4)
    server = FakeOsrm()
    server.negative = {(lonlat(points[0]), lonlat(points[3]))}

    def then_refuse() -> None:
        if len(server.requests) == 2:
            refusal = {"code": "InvalidQuery", "message": "no such service"}
            server.faults = [httpx.Response(400, json=refusal)]

    server.on_request = then_refuse
    failure = await unavailable(Bench(server), points)
    assert failure.reason == "osrm_refused"


async def test_a_door_that_is_not_osrms_is_named() -> None:
    bench = Bench()
    bench.server.faults = [httpx.Response(404, text="Not Found")]
    failure = await unavailable(bench, places(4))
    assert "osrm-routed?" in failure.detail


@pytest.mark.parametrize(
    "routes",
    [[], [{"distance": -1.0, "duration": 1.0}], [{"distance": 1.0, "duration": -1.0}], None],
)
async def test_a_route_that_is_none_does_not_mend_a_pair(routes: object) -> None:
    points = places(2)
    server = FakeOsrm()
    server.negative = {(lonlat(points[0]), lonlat(points[1]))}

    def then_break() -> None:
        if len(server.requests) == 2:
            server.faults = [httpx.Response(200, json={"code": "Ok", "routes": routes})]

    server.on_request = then_break
    failure = await unavailable(Bench(server, attempts=1), points)
    assert failure.reason == "osrm_invalid_answer"
