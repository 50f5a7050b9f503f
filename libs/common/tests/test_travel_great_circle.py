"""The great-circle estimate: known distances, and the laws that a solver relies on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atmr_common.travel.detour_fit import PairSample, fit, residual
from atmr_common.travel.great_circle import (
    GENEVA_CENTRE,
    DetourModel,
    estimate,
    great_circle_km,
)
from atmr_common.travel.port import Coordinate, TravelMatrix

GENEVA = Coordinate(46.2044, 6.1432)
ZURICH = Coordinate(47.3769, 8.5417)
KILOMETRES = st.floats(0, 2000)


def test_geneva_to_zurich_is_224_km_in_a_straight_line() -> None:
    assert great_circle_km([GENEVA, ZURICH])[0, 1] == pytest.approx(224.6, abs=0.5)


def test_a_degree_of_latitude_and_half_the_globe() -> None:
    poles = [Coordinate(90, 0), Coordinate(-90, 0), Coordinate(89, 0)]
    distances = great_circle_km(poles)
    assert distances[0, 1] == pytest.approx(np.pi * 6371.0088)
    assert distances[0, 2] == pytest.approx(111.195, abs=0.001)


def test_the_date_line_is_no_wall() -> None:
    assert great_circle_km([Coordinate(0, 179.9), Coordinate(0, -179.9)])[0, 1] < 23


@given(KILOMETRES, KILOMETRES)
def test_no_detour_is_shorter_than_the_way_itself(one_km: float, other_km: float) -> None:
    legs = np.array([one_km, other_km, one_km + other_km])
    for law in (GENEVA_CENTRE.road_km, GENEVA_CENTRE.time_s):
        first, second, whole = law(legs).tolist()
        assert whole <= first + second + 1e-6
        assert max(first, second) <= whole + 1e-6


@given(KILOMETRES)
def test_a_road_is_never_shorter_than_the_great_circle_nor_faster_than_the_law(km: float) -> None:
    direct = np.array([km])
    road_km, time_s = GENEVA_CENTRE.road_km(direct)[0], GENEVA_CENTRE.time_s(direct)[0]
    assert road_km >= km
    assert road_km <= time_s * 120 / 3600 + 1e-9


def test_a_trip_across_town_and_one_across_the_country_take_a_plausible_time() -> None:
    minutes = GENEVA_CENTRE.time_s(np.array([2.4, 224.6])) / 60
    assert 5 < minutes[0] < 9
    assert 120 < minutes[1] < 180


def test_the_estimate_says_what_it_is() -> None:
    answer = estimate([GENEVA, ZURICH])
    assert (answer.source, answer.degraded, len(answer)) == ("great_circle", None, 2)


@pytest.mark.parametrize(
    ("lat", "lon", "says"),
    [
        (100.0, 6.1, "swapped"),
        (-90.1, 6.1, "Latitude"),
        (46.2, 180.5, "Longitude"),
        (float("nan"), 6.1, "finite"),
        (46.2, float("inf"), "finite"),
    ],
)
def test_a_coordinate_outside_the_globe_is_refused(lat: float, lon: float, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Coordinate(lat, lon)


@pytest.mark.parametrize(
    ("time_s", "distance_km", "says"),
    [
        (np.zeros((2, 3)), np.zeros((2, 3)), "square"),
        (np.zeros((2, 2)), np.zeros((3, 3)), "but distance_km"),
        (np.zeros((2, 2), dtype=np.float32), np.zeros((2, 2)), "float64"),
        (np.array([[0.0, -1.0], [1.0, 0.0]]), np.zeros((2, 2)), "negative"),
        (np.zeros((2, 2)), np.array([[0.0, np.nan], [1.0, 0.0]]), "distance_km has negative"),
        (np.eye(2), np.zeros((2, 2)), "diagonal"),
    ],
)
def test_a_matrix_that_breaks_the_contract_is_refused(
    time_s: np.ndarray, distance_km: np.ndarray, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        TravelMatrix(time_s, distance_km, source="test")


def sample_of(model: DetourModel, noise: float = 0.0) -> PairSample:
    random = np.random.default_rng(3)
    direct_km = random.uniform(0.1, 8, 4000)
    factors = 1 + noise * random.standard_normal((2, 4000))
    return PairSample(
        direct_km, model.road_km(direct_km) * factors[0], model.time_s(direct_km) * factors[1]
    )


def test_the_fit_finds_the_model_that_made_the_sample() -> None:
    truth = DetourModel(1.3, 0.5, 0.4, 200.0, 0.7)
    assert fit(sample_of(truth)) == truth


def test_the_fit_is_not_biased_by_noise() -> None:
    truth = DetourModel(1.3, 0.5, 0.4, 200.0, 0.7)
    noisy = sample_of(truth, noise=0.3)
    found = fit(noisy)
    error = residual(found.time_s(noisy.direct_km), noisy.time_s)
    assert abs(error.bias_share) < 0.01
    assert 0.15 < error.median_share < 0.3
    assert error.p90_share > error.median_share
    direct_km = np.linspace(0.5, 8, 20)
    np.testing.assert_allclose(found.road_km(direct_km), truth.road_km(direct_km), rtol=0.05)


def test_a_sample_with_roads_shorter_than_direct_is_refused() -> None:
    good = sample_of(GENEVA_CENTRE)
    with pytest.raises(ValueError, match="units"):
        fit(PairSample(good.direct_km, good.direct_km / 1.6, good.time_s))


def test_too_small_a_sample_is_refused() -> None:
    few = sample_of(GENEVA_CENTRE)
    with pytest.raises(ValueError, match="too few"):
        fit(PairSample(few.direct_km[:50], few.road_km[:50], few.time_s[:50]))
