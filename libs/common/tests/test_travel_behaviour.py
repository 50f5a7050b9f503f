"""What every source of travel times does: one suite, run against every adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx
import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from support.fake_osrm import FakeOsrm

from atmr_common.cache.memory import MemoryCache
from atmr_common.travel.build import build_travel
from atmr_common.travel.great_circle import GreatCircle
from atmr_common.travel.port import Coordinate, TravelMatrix, TravelTimes
from atmr_common.travel.settings import OsrmSettings, TravelSettings

ADAPTERS = ["great_circle", "osrm", "osrm_in_small_blocks", "fallback", "real_osrm"]
HELSINKI_BOX = ((60.166, 24.937), (60.178, 24.952))


def osrm(url: str, client: httpx.AsyncClient | None, block_size: int = 100) -> TravelTimes:
    settings = TravelSettings(
        osrm=OsrmSettings.model_validate(
            {"url": url, "block_size": block_size, "attempts": 1, "backoff_s": 0.001}
        )
    )
    registry = CollectorRegistry()
    return build_travel(settings, cache=MemoryCache(), registry=registry, client=client)


def fake(down: bool = False, block_size: int = 100) -> TravelTimes:  # noqa: FBT001, FBT002 - a test's own
    server = FakeOsrm(max_table_size=block_size)
    server.down = down
    return osrm("http://osrm.test", server.client(), block_size)


MAKERS: dict[str, Callable[[], TravelTimes]] = {
    "great_circle": GreatCircle,
    "osrm": fake,
    "osrm_in_small_blocks": lambda: fake(block_size=7),
    "fallback": lambda: fake(down=True),
}


@pytest.fixture(
    params=[
        pytest.param(name, marks=[pytest.mark.osrm] * (name == "real_osrm")) for name in ADAPTERS
    ]
)
async def travel(request: pytest.FixtureRequest) -> AsyncIterator[TravelTimes]:
    if request.param == "real_osrm":
        source = osrm(request.getfixturevalue("osrm_server").url, None)
    else:
        source = MAKERS[request.param]()
    yield source
    await source.aclose()


def places(count: int, seed: int = 0) -> list[Coordinate]:
    draws = np.random.default_rng(seed).uniform(*HELSINKI_BOX, (count, 2))
    return [Coordinate(lat, lon) for lat, lon in draws.tolist()]


def assert_equal(one: TravelMatrix, other: TravelMatrix) -> None:
    np.testing.assert_array_equal(one.time_s, other.time_s)
    np.testing.assert_array_equal(one.distance_km, other.distance_km)


async def test_a_square_of_seconds_and_km_with_a_zero_diagonal(travel: TravelTimes) -> None:
    matrix = await travel.matrix(places(12))
    for values in (matrix.time_s, matrix.distance_km):
        assert values.shape == (12, 12)
        assert values.dtype == np.float64
        assert not values.diagonal().any()
        assert not np.isnan(values).any()
    elsewhere = ~np.eye(12, dtype=bool)
    assert (matrix.time_s[elsewhere] > 0).all()
    assert (matrix.distance_km[elsewhere] > 0).all()
    assert (np.isinf(matrix.time_s) == np.isinf(matrix.distance_km)).all()


async def test_seconds_and_kilometres_fit_a_town(travel: TravelTimes) -> None:
    matrix = await travel.matrix(places(12))
    reached = np.isfinite(matrix.time_s) & (matrix.distance_km > 0.3)
    kmh = matrix.distance_km[reached] / matrix.time_s[reached] * 3600
    assert reached.sum() > 50
    assert ((kmh > 3) & (kmh < 120)).all()


async def test_no_points_make_an_empty_matrix(travel: TravelTimes) -> None:
    matrix = await travel.matrix([])
    assert matrix.time_s.shape == matrix.distance_km.shape == (0, 0)


async def test_one_point_is_where_it_is(travel: TravelTimes) -> None:
    matrix = await travel.matrix(places(1))
    assert matrix.time_s.tolist() == matrix.distance_km.tolist() == [[0.0]]


async def test_the_same_place_twice_is_no_way(travel: TravelTimes) -> None:
    one, other = places(2)
    matrix = await travel.matrix([one, other, one])
    assert matrix.time_s[0, 2] == matrix.time_s[2, 0] == 0
    assert matrix.distance_km[0, 2] == matrix.distance_km[2, 0] == 0
    np.testing.assert_array_equal(matrix.time_s[0], matrix.time_s[2])


async def test_rows_and_columns_follow_the_order_of_the_points(travel: TravelTimes) -> None:
    points = places(9)
    order = np.random.default_rng(1).permutation(9)
    straight = await travel.matrix(points)
    shuffled = await travel.matrix([points[i] for i in order.tolist()])
    np.testing.assert_array_equal(shuffled.time_s, straight.time_s[np.ix_(order, order)])


async def test_the_same_question_has_the_same_answer(travel: TravelTimes) -> None:
    points = places(9)
    assert_equal(await travel.matrix(points), await travel.matrix(points))


async def test_three_hundred_points_are_answered_as_few_are(travel: TravelTimes) -> None:
    points = places(300)
    large = await travel.matrix(points)
    assert large.time_s.shape == (300, 300)
    some = [0, 7, 99, 100, 150, 299]
    small = await travel.matrix([points[i] for i in some])
    np.testing.assert_array_equal(small.time_s, large.time_s[np.ix_(some, some)])
    np.testing.assert_array_equal(small.distance_km, large.distance_km[np.ix_(some, some)])


async def test_every_answer_names_its_source(travel: TravelTimes) -> None:
    matrix = await travel.matrix(places(3))
    assert (matrix.source, matrix.degraded) in {
        ("great_circle", None),
        ("osrm", None),
        ("great_circle", "osrm_unavailable"),
    }
