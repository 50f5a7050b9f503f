"""Travel matrices: their shapes, their entries, and that nobody overtakes by leaving later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.problem import ProblemError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atmr_engine.problem import Travel

ROUNDING_S = 1e-6
"""Seconds by which a later departure may arrive earlier: the rounding of tables that were made
first-in-first-out."""


def validate_travel(travel: Travel) -> int:
    """Check times and distances and return the number of places."""
    times, distances = travel.time_s, travel.distance_km
    _entries("travel.time_s", times)
    _entries("travel.distance_km", distances)
    _square("travel.distance_km", distances, 2)
    if travel.knots_s is None:
        _square("travel.time_s", times, 2)
    else:
        _square("travel.time_s", times, 3)
        _knots(travel.knots_s, times.shape[0])
        _reachable_always_or_never(times)
        _first_in_first_out(times, travel.knots_s)
    if times.shape[-2:] != distances.shape:
        raise ProblemError(
            "travel.distance_km",
            f"has shape {distances.shape}, while travel.time_s has {times.shape}",
        )
    return travel.places


def _entries(name: str, matrix: NDArray[np.float64]) -> None:
    if not isinstance(matrix, np.ndarray) or matrix.dtype != np.float64:
        raise ProblemError(name, "must be a numpy array of float64")
    wrong = np.argwhere(np.isnan(matrix) | (matrix < 0.0))
    if len(wrong):
        at = tuple(int(position) for position in wrong[0])
        raise ProblemError(f"{name}{list(at)}", f"must not be negative or NaN: {matrix[at]}")


def _square(name: str, matrix: NDArray[np.float64], dimensions: int) -> None:
    """(places, places), or (slices, places, places) where there are knots."""
    if matrix.ndim == dimensions and matrix.shape[-1] == matrix.shape[-2]:
        return
    if dimensions == 3:  # noqa: PLR2004 (slices, rows and columns)
        wanted = "must hold a square matrix for each of travel.knots_s"
    elif matrix.ndim == 3:  # noqa: PLR2004 (the same)
        wanted = "needs travel.knots_s, which say when each slice holds; else it must be square"
    else:
        wanted = "must be square"
    raise ProblemError(name, f"{wanted}, not of shape {matrix.shape}")


def _knots(knots: NDArray[np.float64], slices: int) -> None:
    if not isinstance(knots, np.ndarray) or knots.dtype != np.float64:
        raise ProblemError("travel.knots_s", "must be a numpy array of float64")
    if knots.shape != (slices,) or not slices:
        raise ProblemError(
            "travel.knots_s", f"has shape {knots.shape}, while travel.time_s has {slices} slices"
        )
    if not np.isfinite(knots).all() or (np.diff(knots) <= 0.0).any():
        raise ProblemError("travel.knots_s", "must be finite and strictly increasing")


def _reachable_always_or_never(times: NDArray[np.float64]) -> None:
    unreachable = np.isinf(times)
    sometimes = np.argwhere(unreachable.any(axis=0) & ~unreachable.all(axis=0))
    if len(sometimes):
        row, column = (int(place) for place in sometimes[0])
        slices = [int(index) for index in np.flatnonzero(unreachable[:, row, column])]
        raise ProblemError(
            "travel.time_s", f"place {column} cannot be reached from {row} in slices {slices} only"
        )


def _first_in_first_out(times: NDArray[np.float64], knots: NDArray[np.float64]) -> None:
    """Departure plus travel time never falls: the slope between knots is at least -1."""
    for index in range(len(knots) - 1):
        before, after = knots[index] + times[index], knots[index + 1] + times[index + 1]
        overtaken = np.argwhere(after < before - ROUNDING_S)
        if len(overtaken):
            row, column = (int(place) for place in overtaken[0])
            raise ProblemError(
                "travel.time_s",
                f"who leaves {row} for {column} at {knots[index + 1]} s arrives at "
                f"{after[row, column]} s, before who leaves at {knots[index]} s and arrives at "
                f"{before[row, column]} s",
            )
