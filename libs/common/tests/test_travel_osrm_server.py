"""Against a real osrm-routed: sane, asymmetric, killed in mid-run, back again."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from support.osrm import OsrmServer

from atmr_common.cache.memory import MemoryCache
from atmr_common.travel import calibration
from atmr_common.travel.build import build_travel
from atmr_common.travel.great_circle import estimate, great_circle_km
from atmr_common.travel.port import Coordinate, TravelTimes
from atmr_common.travel.settings import OsrmSettings, TravelSettings

HELSINKI_BOX = (60.166, 24.937, 60.178, 24.952)


def places(count: int, seed: int = 0) -> list[Coordinate]:
    south, west, north, east = HELSINKI_BOX
    draws = np.random.default_rng(seed).uniform((south, west), (north, east), (count, 2))
    return [Coordinate(lat, lon) for lat, lon in draws.tolist()]


def travel_from(
    server: OsrmServer, registry: CollectorRegistry, client: httpx.AsyncClient | None = None
) -> TravelTimes:
    osrm = OsrmSettings.model_validate(
        {
            "url": server.url,
            "block_size": 10,
            "attempts": 1,
            "failure_threshold": 2,
            "reset_after_s": 0.001,
        }
    )
    settings = TravelSettings(osrm=osrm)
    return build_travel(settings, cache=MemoryCache(), registry=registry, client=client)


async def test_real_roads_are_longer_than_the_great_circle_and_asymmetric(
    osrm_server: OsrmServer,
) -> None:
    travel = travel_from(osrm_server, CollectorRegistry())
    points = places(40)
    matrix = await travel.matrix(points)
    await travel.aclose()
    assert (matrix.source, matrix.degraded) == ("osrm", None)
    direct_km = great_circle_km(points)
    far = np.isfinite(matrix.time_s) & (direct_km > 0.3)
    assert far.sum() > 500
    assert np.mean(matrix.distance_km[far] > direct_km[far]) > 0.95  # snapping shortens a few
    assert 1.2 < np.median(matrix.distance_km[far] / direct_km[far]) < 3
    estimated = estimate(points)
    assert 0.5 < np.median(matrix.time_s[far] / estimated.time_s[far]) < 2
    both_ways = far & far.T
    gap_s = np.abs(matrix.time_s[both_ways] - matrix.time_s.T[both_ways])
    assert np.mean(gap_s > 1) > 0.5  # one-way streets


async def test_killed_between_two_blocks_the_whole_matrix_is_the_fallbacks(
    osrm_server: OsrmServer,
) -> None:
    answered = 0

    async def kill_after_three(_response: httpx.Response) -> None:
        nonlocal answered
        answered += 1
        if answered == 3:
            osrm_server.kill()

    registry = CollectorRegistry()
    points = places(40)
    async with httpx.AsyncClient(event_hooks={"response": [kill_after_three]}) as client:
        matrix = await travel_from(osrm_server, registry, client).matrix(points)
    assert answered >= 3
    assert (matrix.source, matrix.degraded) == ("great_circle", "osrm_unavailable")
    np.testing.assert_array_equal(matrix.time_s, estimate(points).time_s)
    np.testing.assert_array_equal(matrix.distance_km, estimate(points).distance_km)
    reason = {"reason": "osrm_unavailable"}
    assert registry.get_sample_value("atmr_travel_fallbacks_total", reason) == 1


async def test_killed_between_two_calls_and_started_again_it_recovers(
    osrm_server: OsrmServer,
) -> None:
    registry = CollectorRegistry()
    travel = travel_from(osrm_server, registry)
    first = await travel.matrix(places(20))
    osrm_server.kill()
    while registry.get_sample_value("atmr_travel_osrm_circuit", {"state": "open"}) == 0:
        assert (await travel.matrix(places(20, seed=1))).degraded == "osrm_unavailable"
    known = await travel.matrix(places(20))
    np.testing.assert_array_equal(known.time_s, first.time_s)
    osrm_server.start()
    back = await travel.matrix(places(20, seed=1))
    await travel.aclose()
    assert (back.source, back.degraded) == ("osrm", None)
    assert registry.get_sample_value("atmr_travel_osrm_circuit", {"state": "closed"}) == 1


async def test_a_request_of_the_default_size_is_within_the_servers_limits(
    osrm_server: OsrmServer,
) -> None:
    settings = TravelSettings(osrm=OsrmSettings.model_validate({"url": osrm_server.url}))
    registry = CollectorRegistry()
    travel = build_travel(settings, cache=MemoryCache(), registry=registry)
    matrix = await travel.matrix(places(200))
    await travel.aclose()
    assert (matrix.source, matrix.degraded) == ("osrm", None)


async def test_points_outside_the_map_are_unreachable(osrm_server: OsrmServer) -> None:
    travel = travel_from(osrm_server, CollectorRegistry())
    matrix = await travel.matrix([*places(3), Coordinate(46.2, 6.1)])
    await travel.aclose()
    assert np.isinf(matrix.time_s[3, :3]).all()
    assert np.isinf(matrix.time_s[:3, 3]).all()
    assert np.isfinite(matrix.time_s[:3, :3]).all()


def test_the_calibration_command_fits_and_reports(
    osrm_server: OsrmServer, capsys: pytest.CaptureFixture[str]
) -> None:
    box = ",".join(map(str, HELSINKI_BOX))
    arguments = ["--osrm", osrm_server.url, "--box", box, "--tables", "4"]
    assert calibration.main(arguments) == 0
    report = json.loads(capsys.readouterr().out)
    assert 1 <= report["model"]["detour_factor"] < 2
    assert 0.4 <= report["model"]["pace_exponent"] <= 1
    assert report["time"]["median_share"] < 0.5
    assert report["pairs"]["held_out"] > 1000
    assert report["bands"][0]["detour"] > report["bands"][-1]["detour"] > 1


def test_the_calibration_command_refuses_a_box_that_is_turned_around(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        calibration.main(["--osrm", "http://127.0.0.1:1", "--box", "47,6,46,7"])
    assert "south,west,north,east" in capsys.readouterr().err


def test_an_extract_that_is_absent_is_a_skip_that_names_it(
    osrm_map: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATMR_SHARED", "/nowhere")
    with pytest.raises(pytest.skip.Exception, match="atlantis"):
        osrm_map("atlantis")
