"""Straight-line travel: known distances, the triangle inequality, and no silly settings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atmr_engine.formats.csv_geography import distance_km
from atmr_engine.formats.day_records import Point
from atmr_engine.formats.straight_line import straight_line

GENEVA, LAUSANNE = Point(46.2044, 6.1432), Point(46.5197, 6.6323)
POINTS = st.builds(Point, st.floats(45, 48), st.floats(5, 11))


def test_a_known_distance_at_a_known_speed() -> None:
    travel = straight_line([GENEVA, LAUSANNE], 60, 1.0)
    assert travel.distance_km[0, 1] == pytest.approx(51.2, abs=0.5)
    assert travel.time_s[0, 1] == pytest.approx(60 * travel.distance_km[0, 1], abs=0.1)
    longer = straight_line([GENEVA, LAUSANNE], 30, 1.5)
    assert longer.distance_km[0, 1] == pytest.approx(1.5 * travel.distance_km[0, 1], abs=2e-3)
    assert longer.time_s[0, 1] == pytest.approx(3 * travel.time_s[0, 1], rel=1e-4)


@given(st.lists(POINTS, max_size=5))
def test_it_is_the_great_circle_of_each_pair(points: list[Point]) -> None:
    travel = straight_line(points, 36, 1.0)
    assert travel.time_s.shape == (len(points), len(points))
    for i, one in enumerate(points):
        for j, other in enumerate(points):
            assert travel.distance_km[i, j] == pytest.approx(distance_km(one, other), abs=1e-3)
            assert travel.distance_km[i, j] == travel.distance_km[j, i]
    assert not np.diag(travel.time_s).any()


@pytest.mark.parametrize(
    ("speed", "factor", "says"),
    [
        (0, 1.3, "speed"),
        (-5, 1.3, "speed"),
        (float("inf"), 1.3, "speed"),
        (float("nan"), 1.3, "speed"),
        (30, 0.99, "detour factor"),
        (30, float("nan"), "detour factor"),
    ],
)
def test_impossible_settings_are_refused(speed: float, factor: float, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        straight_line([GENEVA], speed, factor)
