"""Pairs survive packing, and blocks ask for what is missing and for little else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atmr_common.travel.pair_table import PairTable, blocks, place_codes, place_text
from atmr_common.travel.port import Coordinate

COORDINATES = st.builds(Coordinate, lat=st.floats(-90, 90), lon=st.floats(-180, 180))


@given(COORDINATES)
def test_a_place_is_written_within_half_a_step_of_the_point(point: Coordinate) -> None:
    lon, lat = map(float, place_text(int(place_codes([point])[0])).split(","))
    assert lat == pytest.approx(point.lat, abs=0.51e-5)
    assert lon == pytest.approx(point.lon, abs=0.51e-5)


@given(COORDINATES, COORDINATES)
def test_different_places_have_different_codes(one: Coordinate, other: Coordinate) -> None:
    codes = place_codes([one, other]).tolist()
    assert (codes[0] == codes[1]) == (place_text(codes[0]) == place_text(codes[1]))


@given(
    st.integers(1, 25).flatmap(
        lambda n: st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=n, max_size=n)
    ),
    st.integers(1, 30),
)
def test_blocks_cover_all_that_is_missing_within_their_size(
    flags: list[list[bool]], size: int
) -> None:
    missing = np.array(flags)
    covered = np.zeros_like(missing)
    for rows, columns in blocks(missing, size):
        assert 0 < len(rows) <= size
        assert 0 < len(columns) <= size
        assert not covered[np.ix_(rows, columns)].any()
        assert missing[np.ix_(rows, columns)].any(axis=1).all()
        assert missing[np.ix_(rows, columns)].any(axis=0).all()
        covered[np.ix_(rows, columns)] = True
    assert (covered | ~missing).all()


def test_new_places_ask_for_their_own_pairs_only() -> None:
    missing = np.zeros((40, 40), dtype=bool)
    for new in (3, 17):
        missing[new, :] = missing[:, new] = True
    asked = sum(len(rows) * len(columns) for rows, columns in blocks(missing, 10))
    assert asked < 2 * missing.sum()


def table_of(count: int) -> PairTable:
    return PairTable([Coordinate(46.2 + 0.01 * i, 6.1) for i in range(count)])


def known(count: int, seed: int = 0) -> PairTable:
    table = table_of(count)
    everything = np.arange(count)
    random = np.random.default_rng(seed)
    time_s = np.round(random.uniform(1, 4000, (count, count)), 1)
    time_s[random.random((count, count)) < 0.2] = np.nan
    table.put_block(everything, everything, time_s, np.round(time_s * 13.7, 1))
    return table


def test_rows_come_back_as_they_were_packed() -> None:
    before, after = known(8), table_of(8)
    for row in range(8):
        after.read_row(row, before.pack_row(row, b"", max_cells=100))
    assert not after.missing.any()
    np.testing.assert_array_equal(after.matrix("x").time_s, before.matrix("x").time_s)
    np.testing.assert_array_equal(after.matrix("x").distance_km, before.matrix("x").distance_km)


def test_a_row_keeps_earlier_places_beside_the_new_ones() -> None:
    large, small = known(8), known(3, seed=1)
    merged = small.pack_row(0, large.pack_row(0, b"", max_cells=100), max_cells=100)
    read = table_of(8)
    read.read_row(0, merged)
    assert not read.missing[0].any()
    np.testing.assert_array_equal(read._time_ds[0, :3], small._time_ds[0])
    np.testing.assert_array_equal(read._time_ds[0, 3:], large._time_ds[0, 3:])


def test_a_row_that_would_grow_too_long_keeps_the_present_places_only() -> None:
    large, small = known(8), known(3, seed=1)
    packed = small.pack_row(0, large.pack_row(0, b"", max_cells=100), max_cells=7)
    read = table_of(8)
    read.read_row(0, packed)
    assert read.missing[0].tolist() == [False] * 3 + [True] * 5


def test_an_unknown_row_is_not_packed_as_known() -> None:
    empty = table_of(4)
    read = table_of(4)
    read.read_row(1, empty.pack_row(1, b"", max_cells=100))
    assert read.missing[1].tolist() == [True, False, True, True]


@pytest.mark.parametrize("missing_in", ["time", "distance"])
def test_half_an_answer_is_unreachable_in_both(missing_in: str) -> None:
    table = table_of(2)
    time_s, distance_m = np.array([[0.0, 5.0], [6.0, 0.0]]), np.array([[0.0, 50.0], [60.0, 0.0]])
    (time_s if missing_in == "time" else distance_m)[0, 1] = np.nan
    table.put_block(np.arange(2), np.arange(2), time_s, distance_m)
    matrix = table.matrix("x")
    assert matrix.time_s.tolist() == [[0.0, np.inf], [6.0, 0.0]]
    assert matrix.distance_km.tolist() == [[0.0, np.inf], [0.06, 0.0]]
