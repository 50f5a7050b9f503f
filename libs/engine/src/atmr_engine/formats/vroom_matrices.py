"""VROOM's matrices and costs: one travel matrix for the engine, and what a kilometre is worth.

The engine has one matrix and one price for all vehicles; a document with several is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from atmr_engine.formats.instance_text import MOST_NODES
from atmr_engine.formats.vroom_fields import LARGEST, Fields, VroomError, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PROFILE = "car"
DEFAULT_PER_HOUR = 3600
SECONDS_PER_HOUR = 3600.0
METRES_PER_KM = 1000.0
NO_ROUTER = (
    "the engine takes matrices: give matrices.car.durations (the table of a routing engine) and "
    "location_index, start_index, end_index"
)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrices:
    """What all vehicles share, (places, places): seconds, VROOM's cost, metres where given."""

    time_s: NDArray[np.float64]
    costs: NDArray[np.float64]
    distances_m: NDArray[np.float64] | None
    warnings: tuple[str, ...] = ()

    @property
    def places(self) -> int:
        return int(self.time_s.shape[0])


def read_matrices(document: Fields, vehicles: Sequence[Fields]) -> Matrices:
    """The matrices of the profile that all vehicles have, scaled by their speed factor.

    Raises:
        VroomError: naming the field.

    """
    profile = _shared(vehicles, "profile", [v.text("profile") or PROFILE for v in vehicles])
    factors = [v.number("speed_factor", 1.0, low=0.01, high=5.0) for v in vehicles]
    factor = _shared(vehicles, "speed_factor", factors)
    entry = _profile(document, profile)
    durations = _matrix(entry, "durations")
    if durations is None:
        raise entry.error("durations", "is missing", NO_ROUTER)
    time_s = np.ceil(np.round(durations / factor, 6))
    distances = _like(entry, "distances", durations)
    warnings = []
    if not np.array_equal(time_s * factor, durations):
        warnings.append("travel times were divided by speed_factor and rounded up to seconds")
    return Matrices(
        time_s=time_s,
        costs=_costs(entry, vehicles, time_s, distances),
        distances_m=distances,
        warnings=tuple(warnings),
    )


def _profile(document: Fields, profile: str) -> Fields:
    if document.has("matrices"):
        matrices = document.part("matrices")
        if not matrices.has(profile):
            raise matrices.error(profile, "is missing", "give the matrices of each profile")
        entry = matrices.part(profile)
        entry.only(("durations", "distances", "costs"), {})
        return entry
    if document.has("matrix") and profile == PROFILE:
        return Fields("matrix", {"durations": document.values["matrix"]})
    raise document.error("matrices", "is missing", NO_ROUTER)


def _costs(
    entry: Fields,
    vehicles: Sequence[Fields],
    time_s: NDArray[np.float64],
    distances: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """The given costs, or those of hours and kilometres."""
    prices = [vehicle.part("costs") for vehicle in vehicles]
    for price in prices:
        price.only(
            ("fixed", "per_hour", "per_km"),
            {"per_task_hour": "it is the same for every plan that serves the same; leave it out"},
        )
    per_hour = _shared(prices, "per_hour", [p.whole("per_hour", DEFAULT_PER_HOUR) for p in prices])
    per_km = _shared(prices, "per_km", [p.whole("per_km", 0) for p in prices])
    given = _like(entry, "costs", time_s)
    if given is not None:
        if per_hour != DEFAULT_PER_HOUR or per_km:
            raise prices[0].error(
                "per_hour" if per_km == 0 else "per_km",
                "stands beside a costs matrix",
                "give one of the two",
            )
        return given
    if per_km and distances is None:
        raise entry.error("distances", "is missing", "costs.per_km needs them")
    costs = time_s * (per_hour / SECONDS_PER_HOUR)
    if distances is not None:
        costs = costs + distances * (per_km / METRES_PER_KM)
    return costs


def fixed_costs(vehicles: Sequence[Fields]) -> list[int]:
    """What it costs to use each vehicle: one price, or a second one for emergency drivers.

    Raises:
        VroomError: where there are three prices.

    """
    prices = [vehicle.part("costs").whole("fixed", 0) for vehicle in vehicles]
    known = {min(prices), max(prices)}
    for vehicle, price in zip(vehicles, prices, strict=True):
        if price not in known:
            raise vehicle.part("costs").error(
                "fixed", f"is {price}, a third price", "give at most two prices"
            )
    return prices


def _shared(owners: Sequence[Fields], key: str, values: Sequence[Value]) -> Value:
    """The value that all have; the engine knows no other matrix or price for one vehicle."""
    for owner, value in zip(owners, values, strict=True):
        if value != values[0]:
            raise owner.error(
                key,
                f"is {value!r}, and {values[0]!r} for the first vehicle",
                "give all vehicles the same, or plan them apart",
            )
    return values[0]


def _like(entry: Fields, key: str, durations: NDArray[np.float64]) -> NDArray[np.float64] | None:
    matrix = _matrix(entry, key)
    if matrix is not None and matrix.shape != durations.shape:
        raise entry.error(
            key, f"has {len(matrix)} rows, durations {len(durations)}", "give them the same size"
        )
    return matrix


def _matrix(entry: Fields, key: str) -> NDArray[np.float64] | None:
    rows: list[Any] = entry.items(key)
    if not rows:
        return None
    path, size = entry.path(key), len(rows)
    if size > MOST_NODES:
        raise entry.error(key, f"has {size:,} rows", f"at most {MOST_NODES:,} places are read")
    matrix = np.empty((size, size))
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != size:
            raise VroomError(f"{path}[{number}]", "is no row of the matrix", f"give {size} numbers")
        if not all(type(value) is int and 0 <= value <= LARGEST for value in row):
            for column, value in enumerate(row):
                whole_number(f"{path}[{number}][{column}]", value)
        matrix[number] = row
    return matrix


def dearest(costs: NDArray[np.float64]) -> float:
    """The largest cost of a leg."""
    return float(costs.max(initial=0.0))
