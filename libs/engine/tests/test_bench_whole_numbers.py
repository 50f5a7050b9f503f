"""Problems in whole numbers are never easier than the exact ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.bench_runs import TINY, write_tiny

from atmr_engine.bench.peers.whole_numbers import (
    FIXED_COST,
    STEPS_PER_SECOND,
    STEPS_PER_UNIT,
    whole_numbers,
)
from atmr_engine.formats.benchmark import Instance
from atmr_engine.formats.cordeau import read_cordeau
from atmr_engine.objective import Weights
from atmr_engine.problem import Capacity

ROUNDING_STEPS = 1e-5


@pytest.fixture
def tiny(tmp_path: Path) -> Instance:
    fractions = TINY.replace("1 3 4 3 1 60 75", "1 3 4 3.0004 1 60.0004 75.0006")
    return read_cordeau(write_tiny(tmp_path, text=fractions))


def test_ways_are_rounded_up_by_less_than_a_step(tiny: Instance) -> None:
    stated = whole_numbers(tiny)
    exact = tiny.problem.travel.time_s * STEPS_PER_SECOND
    assert np.all(stated.ways >= exact - ROUNDING_STEPS)
    assert np.all(stated.ways < exact + 1)
    assert stated.ways[0, 1] == 5 * STEPS_PER_UNIT
    lengths = tiny.problem.travel.distance_km * STEPS_PER_UNIT
    assert np.all(np.abs(stated.lengths - lengths) <= 0.5)


def test_windows_and_limits_are_rounded_inwards(tiny: Instance) -> None:
    first, second = whole_numbers(tiny).requests
    assert (first.windows.pickup_open, first.windows.pickup_close) == (60_001, 75_000)
    assert first.pickup_service == 3_001
    assert first.longest_ride == 30 * STEPS_PER_UNIT
    assert (first.pickup_node, first.dropoff_node, second.load) == (1, 3, 2)
    assert second.windows.pickup_close == 480 * STEPS_PER_UNIT


def test_a_cost_of_vehicles_only_where_they_come_first(tiny: Instance) -> None:
    assert whole_numbers(tiny).fixed_cost == 0
    first = replace(tiny.problem, weights=Weights.vehicles_first())
    assert whole_numbers(replace(tiny, problem=first)).fixed_cost == FIXED_COST


def test_vehicles_that_differ_are_refused(tiny: Instance) -> None:
    one, other = tiny.problem.duties
    mixed = replace(tiny.problem, duties=(one, replace(other, capacity=Capacity(seats=1))))
    with pytest.raises(ValueError, match="vehicles differ"):
        whole_numbers(replace(tiny, problem=mixed))
