"""The pairs of one request as OSRM knows them: rounded places, whole deciseconds and decimetres.

OSRM answers in tenths, so integers lose nothing, and a matrix read from the
cache equals the fresh one bit for bit: a day can be replayed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_common.travel.port import TravelMatrix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from atmr_common.travel.port import Coordinate

UNREACHABLE = -1
UNKNOWN = -2
STEPS_PER_DEGREE = 100_000  # 1.1 m
LONGITUDE_ROOM = 100_000_000  # more than 360 degrees in steps
LARGEST = np.iinfo(np.int32).max
CELL = np.dtype([("place", "<i8"), ("time_ds", "<i4"), ("distance_dm", "<i4")])


def place_codes(points: Sequence[Coordinate]) -> NDArray[np.int64]:
    """One integer per point, equal for points that round to the same metre."""
    degrees = np.array([(p.lat + 90, p.lon + 180) for p in points], dtype=np.float64)
    steps = np.rint(degrees.reshape(-1, 2) * STEPS_PER_DEGREE).astype(np.int64)
    codes: NDArray[np.int64] = steps[:, 0] * LONGITUDE_ROOM + steps[:, 1]
    return codes


def place_text(code: int) -> str:
    """The point of a code as OSRM reads it: longitude, latitude."""
    lat, lon = divmod(code, LONGITUDE_ROOM)
    return f"{lon / STEPS_PER_DEGREE - 180:.5f},{lat / STEPS_PER_DEGREE - 90:.5f}"


class PairTable:
    """Every pair of distinct places: known, unreachable or not yet known."""

    def __init__(self, points: Sequence[Coordinate]) -> None:
        self.places, self._place_of_point = np.unique(place_codes(points), return_inverse=True)
        shape = (len(self.places), len(self.places))
        self._time_ds = np.full(shape, UNKNOWN, dtype=np.int32)
        self._distance_dm = np.full(shape, UNKNOWN, dtype=np.int32)
        np.fill_diagonal(self._time_ds, 0)
        np.fill_diagonal(self._distance_dm, 0)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """(places, places): which pairs are not yet known."""
        unknown: NDArray[np.bool_] = self._time_ds == UNKNOWN
        return unknown

    def put_block(
        self,
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
        time_s: NDArray[np.float64],
        distance_m: NDArray[np.float64],
    ) -> None:
        """Note an answer of (rows, columns); NaN or inf in either array is unreachable."""
        unreachable = ~np.isfinite(time_s + distance_m)
        where = np.ix_(rows, columns)
        for whole, tenths in ((self._time_ds, time_s), (self._distance_dm, distance_m)):
            rounded = np.rint(np.where(unreachable, 0.0, tenths) * 10)
            whole[where] = np.where(unreachable, UNREACHABLE, np.minimum(rounded, LARGEST))
            np.fill_diagonal(whole, 0)

    def read_row(self, row: int, packed: bytes) -> None:
        """Take over what `pack_row` wrote in an earlier request."""
        cells = np.frombuffer(packed, dtype=CELL)
        at = np.searchsorted(cells["place"], self.places)
        found = at < len(cells)
        found[found] = cells["place"][at[found]] == self.places[found]
        self._time_ds[row, found] = cells["time_ds"][at[found]]
        self._distance_dm[row, found] = cells["distance_dm"][at[found]]

    def pack_row(self, row: int, earlier: bytes, max_cells: int) -> bytes:
        """The row's known pairs and the `earlier` ones; those alone where both pass `max_cells`."""
        known = np.flatnonzero(self._time_ds[row] != UNKNOWN)
        cells = np.empty(len(known), dtype=CELL)
        cells["place"] = self.places[known]
        cells["time_ds"] = self._time_ds[row, known]
        cells["distance_dm"] = self._distance_dm[row, known]
        before = np.frombuffer(earlier, dtype=CELL)
        before = before[~np.isin(before["place"], cells["place"])]
        if len(cells) + len(before) <= max_cells:
            cells = np.sort(np.concatenate([cells, before]), order="place")
        return cells.tobytes()

    def matrix(self, source: str) -> TravelMatrix:
        """Of the points as they were given, in their order."""
        return TravelMatrix(
            time_s=self._expand(self._time_ds, 10.0),
            distance_km=self._expand(self._distance_dm, 10_000.0),
            source=source,
        )

    def _expand(self, whole: NDArray[np.int32], unit: float) -> NDArray[np.float64]:
        values = np.where(whole < 0, np.inf, whole / unit)
        return values[np.ix_(self._place_of_point, self._place_of_point)]


def blocks(
    missing: NDArray[np.bool_], size: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows and columns, at most `size` each, of requests that together cover what is missing.

    New places (a whole row and column missing) are taken together, so that one more booking asks
    for its own pairs and not for the whole matrix again.
    """
    order = np.argsort(missing.sum(axis=0) + missing.sum(axis=1), kind="stable")
    chunks = [order[start : start + size] for start in range(0, len(order), size)]
    for rows in chunks:
        for columns in chunks:
            wanted = missing[np.ix_(rows, columns)]
            if wanted.any():
                yield rows[wanted.any(axis=1)], columns[wanted.any(axis=0)]
